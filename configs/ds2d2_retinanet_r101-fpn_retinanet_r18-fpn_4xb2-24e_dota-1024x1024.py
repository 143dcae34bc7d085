# DS2D2 on DOTA: RetinaNet-R101 teaches RetinaNet-R18. First the teacher is trained, then the
# amplifier, then the student.
#
#   tools/dist_train.sh configs/retinanet_r101-fpn_4xb2-24e_dota-1024x1024.py 4
#   tools/dist_train.sh configs/ds2d2-amplifier_retinanet_r101-fpn_4xb2-24e_dota-1024x1024.py 4
#   tools/dist_train.sh configs/ds2d2_retinanet_r101-fpn_retinanet_r18-fpn_4xb2-24e_dota-1024x1024.py 4
#   mim train mmrazor configs/ds2d2_retinanet_r101-fpn_retinanet_r18-fpn_4xb2-24e_dota-1024x1024.py
#   mim test mmdet configs/retinanet_r18-fpn_4xb2-24e_dota-1024x1024.py --checkpoint CHECKPOINT
_base_ = [
    "./retinanet_r18-fpn_4xb2-24e_dota-1024x1024.py",
    "./_base_/distillers/ds2d2_retinanet.py",
]
_loss = _base_.ds2d2.distill_losses.loss_ds2d2
_loss.update(low_weight=7e-5, high_weight=5e-5)
_loss.amplifiers.full.loss_weight = 0.7
_loss.amplifiers.high.loss_weight = 0.5
_loss.amplifiers.high.checkpoint = (
    "work_dirs/ds2d2-amplifier_retinanet_r101-fpn_4xb2-24e_dota-1024x1024/epoch_24.pth"
)
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
    teacher_ckpt="work_dirs/retinanet_r101-fpn_4xb2-24e_dota-1024x1024/epoch_24.pth",
    distiller=_base_.ds2d2,
)
