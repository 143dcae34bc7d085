# RetinaNet with ResNet-18 and FPN, as in MMDetection but for the backbone. The config that
# uses it sets the number of classes.
_base_ = "mmdet::_base_/models/retinanet_r50_fpn.py"

model = dict(
    backbone=dict(depth=18, init_cfg=dict(checkpoint="torchvision://resnet18")),
    neck=dict(in_channels=[64, 128, 256, 512]),
)
