# DS2D2's high-frequency amplifier: RPN and head of Faster R-CNN-R101 on DOTA, trained anew on
# the details of the teacher's features.
#
#   tools/dist_train.sh configs/ds2d2-amplifier_faster-rcnn_r101-fpn_4xb2-24e_dota-1024x1024.py 4
#   mim train mmdet configs/ds2d2-amplifier_faster-rcnn_r101-fpn_4xb2-24e_dota-1024x1024.py
#   mim test mmdet configs/ds2d2-amplifier_faster-rcnn_r101-fpn_4xb2-24e_dota-1024x1024.py --checkpoint CHECKPOINT
_base_ = "./faster-rcnn_r101-fpn_4xb2-24e_dota-1024x1024.py"

model = dict(
    type="texture_kd.HighFrequencyFasterRCNN",
    teacher_ckpt="work_dirs/faster-rcnn_r101-fpn_4xb2-24e_dota-1024x1024/epoch_24.pth",
    # The teacher's checkpoint has the backbone.
    backbone=dict(init_cfg=None),
)
