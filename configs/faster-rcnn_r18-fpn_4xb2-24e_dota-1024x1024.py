# The student alone: Faster R-CNN with ResNet-18 on DOTA in the recipe of the DS2D2 paper. It is
# the control of the distillation.
#
#   tools/dist_train.sh configs/faster-rcnn_r18-fpn_4xb2-24e_dota-1024x1024.py 4
#   mim train mmdet configs/faster-rcnn_r18-fpn_4xb2-24e_dota-1024x1024.py
#   mim test mmdet configs/faster-rcnn_r18-fpn_4xb2-24e_dota-1024x1024.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime_detection.py",
    "./_base_/schedules/ds2d2_24e.py",
    "./_base_/datasets/dota_1024x1024.py",
    "./_base_/models/faster-rcnn_r18.py",
]
model = dict(roi_head=dict(bbox_head=dict(num_classes=15)))
