# SSTKD on CamVid: PSPNet-R101 teaches PSPNet-R18.
#
#   mim train mmseg configs/pspnet_r101_camvid.py
#   mim train mmrazor configs/sstkd_pspnet_r101_r18_camvid.py
#   mim test mmseg configs/pspnet_r18_camvid.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18_camvid.py",
    "./_base_/models/pspnet_teacher_camvid.py",
    "./_base_/distillers/sstkd.py",
]
_base_.sstkd.distill_losses.loss_statistical.num_classes = (
    _base_.model.decode_head.num_classes
)
model = dict(
    _delete_=True,
    _scope_="mmrazor",
    type="TextureDistill",
    architecture=_base_.model,
    teacher=_base_.teacher,
    teacher_ckpt="work_dirs/pspnet_r101_camvid/iter_80000.pth",
    distiller=_base_.sstkd,
)
