# Channel-wise distillation (CWD) for two CPU cores, on aerial images in crops of
# 257, from a teacher that started from ImageNet to a student that does not.
#
#   mim train mmseg configs/deeplabv3plus_efficientnet-lite2-d16_1xb8-1600iters_aerial-257x257.py
#   mim train mmrazor configs/cwd_deeplabv3plus_efficientnet-lite2-d16_pspnet_r18-w16-d8_1xb8-900iters_aerial-257x257.py
#   mim test mmseg configs/pspnet_r18-w16-d8_1xb8-900iters_aerial-257x257.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18-w16-d8_1xb8-900iters_aerial-257x257.py",
    "./_base_/teachers/deeplabv3plus_efficientnet_lite2_aerial_257x257.py",
    "./_base_/distillers/cwd_lite2_w16.py",
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
