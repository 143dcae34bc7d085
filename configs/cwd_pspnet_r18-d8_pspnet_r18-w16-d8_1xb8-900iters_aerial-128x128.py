# Channel-wise distillation (CWD) for two CPU cores, on aerial images.
#
#   mim train mmseg configs/pspnet_r18-d8_1xb8-1800iters_aerial-128x128.py
#   mim train mmrazor configs/cwd_pspnet_r18-d8_pspnet_r18-w16-d8_1xb8-900iters_aerial-128x128.py
#   mim test mmseg configs/pspnet_r18-w16-d8_1xb8-900iters_aerial-128x128.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18-w16-d8_1xb8-900iters_aerial-128x128.py",
    "./_base_/teachers/pspnet_r18_aerial_128x128.py",
    "./_base_/distillers/cwd.py",
]
model = dict(
    _delete_=True,
    _scope_="mmrazor",
    type="TextureDistill",
    architecture=_base_.model,
    teacher=_base_.teacher,
    teacher_ckpt=_base_.teacher_ckpt,
    distiller=_base_.cwd,
)
