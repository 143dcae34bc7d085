# SSTKD for two CPU cores, on the texture mosaic, for a student whose decode head is on
# half the grid.
#
#   mim train mmseg configs/pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py
#   mim train mmrazor configs/sstkd_pspnet_r18-w32-d8_pspnet_r18-w16-d8-half_1xb8-400iters_mosaic-128x128.py
#   mim test mmseg configs/pspnet_r18-w16-d8-half_1xb8-400iters_mosaic-128x128.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18-w16-d8-half_1xb8-400iters_mosaic-128x128.py",
    "./_base_/teachers/pspnet_r18_w32_mosaic.py",
    "./_base_/distillers/sstkd_w32_w16.py",
]
model = dict(
    _delete_=True,
    _scope_="mmrazor",
    type="TextureDistill",
    architecture=_base_.model,
    teacher=_base_.teacher,
    teacher_ckpt=_base_.teacher_ckpt,
    distiller=_base_.sstkd,
)
