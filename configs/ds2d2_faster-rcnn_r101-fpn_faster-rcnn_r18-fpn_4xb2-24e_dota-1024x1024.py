# DS2D2 on DOTA: Faster R-CNN-R101 teaches Faster R-CNN-R18. First the teacher is trained, then the
# amplifier, then the student.
#
#   tools/dist_train.sh configs/faster-rcnn_r101-fpn_4xb2-24e_dota-1024x1024.py 4
#   tools/dist_train.sh configs/ds2d2-amplifier_faster-rcnn_r101-fpn_4xb2-24e_dota-1024x1024.py 4
#   tools/dist_train.sh configs/ds2d2_faster-rcnn_r101-fpn_faster-rcnn_r18-fpn_4xb2-24e_dota-1024x1024.py 4
#   mim train mmrazor configs/ds2d2_faster-rcnn_r101-fpn_faster-rcnn_r18-fpn_4xb2-24e_dota-1024x1024.py
#   mim test mmdet configs/faster-rcnn_r18-fpn_4xb2-24e_dota-1024x1024.py --checkpoint CHECKPOINT
_base_ = [
    "./faster-rcnn_r18-fpn_4xb2-24e_dota-1024x1024.py",
    "./_base_/distillers/ds2d2_faster-rcnn.py",
]
_loss = _base_.ds2d2.distill_losses.loss_ds2d2
_loss.update(low_weight=0.12, high_weight=1.2)
# The paper's 1.5e-3 and 3e-3 were found while its code summed the divergence over the
# 1024 regions of a batch where it meant to take the mean. Ours is the mean: 1024 times
# the published weights keep that term as strong as it was trained, and the boxes' term
# in the paper's proportion to it: 1024 times as strong as it was trained.
_loss.amplifiers.full.loss_weight = 1.5e-3 * 1024
_loss.amplifiers.high.loss_weight = 3e-3 * 1024
_loss.amplifiers.high.checkpoint = "work_dirs/ds2d2-amplifier_faster-rcnn_r101-fpn_4xb2-24e_dota-1024x1024/epoch_24.pth"
model = dict(
    _delete_=True,
    _scope_="mmrazor",
    type="TextureDistill",
    architecture=_base_.model,
    teacher=dict(
        _base_.model,
        backbone=dict(_base_.model.backbone, depth=101, init_cfg=None),
        neck=dict(_base_.model.neck, in_channels=[256, 512, 1024, 2048]),
    ),
    teacher_ckpt="work_dirs/faster-rcnn_r101-fpn_4xb2-24e_dota-1024x1024/epoch_24.pth",
    distiller=_base_.ds2d2,
)
