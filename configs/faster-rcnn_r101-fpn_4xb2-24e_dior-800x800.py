# The teacher: Faster R-CNN with ResNet-101 on DIOR in the recipe of the DS2D2 paper.
#
#   tools/dist_train.sh configs/faster-rcnn_r101-fpn_4xb2-24e_dior-800x800.py 4
#   mim train mmdet configs/faster-rcnn_r101-fpn_4xb2-24e_dior-800x800.py
#   mim test mmdet configs/faster-rcnn_r101-fpn_4xb2-24e_dior-800x800.py --checkpoint CHECKPOINT
_base_ = "./faster-rcnn_r18-fpn_4xb2-24e_dior-800x800.py"

model = dict(
    backbone=dict(depth=101, init_cfg=dict(checkpoint="torchvision://resnet101")),
    neck=dict(in_channels=[256, 512, 1024, 2048]),
)
