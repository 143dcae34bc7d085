# SSTKD for two CPU cores, on the texture mosaic.
#
#   mim train mmseg configs/pspnet_r18-w32_mosaic.py
#   mim train mmrazor configs/sstkd_pspnet_r18-w32_r18-w16_mosaic.py
#   mim test mmseg configs/pspnet_r18-w16_mosaic.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18-w16_mosaic.py",
    "./_base_/models/pspnet_teacher_r18_w32_mosaic.py",
    "./_base_/distillers/sstkd_w32_w16.py",
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
    teacher_ckpt="work_dirs/pspnet_r18-w32_mosaic/iter_400.pth",
    distiller=_base_.sstkd,
)
