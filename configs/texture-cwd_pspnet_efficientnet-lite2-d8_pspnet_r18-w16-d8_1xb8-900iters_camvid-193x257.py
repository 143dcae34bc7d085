# Texture beside channel-wise distillation for two CPU cores, on CamVid at 193x257: a teacher that starts from
# ImageNet, and a student that does not.
#
#   mim train mmseg configs/pspnet_efficientnet-lite2-d8_1xb8-1600iters_camvid-193x257.py
#   mim train mmrazor configs/texture-cwd_pspnet_efficientnet-lite2-d8_pspnet_r18-w16-d8_1xb8-900iters_camvid-193x257.py
#   mim test mmseg configs/pspnet_r18-w16-d8_1xb8-900iters_camvid-193x257.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18-w16-d8_1xb8-900iters_camvid-193x257.py",
    "./_base_/teachers/pspnet_efficientnet_lite2_camvid_193x257.py",
    "./_base_/distillers/texture_cwd_lite2_w16.py",
]
model = dict(
    _delete_=True,
    _scope_="mmrazor",
    type="TextureDistill",
    architecture=_base_.model,
    teacher=_base_.teacher,
    teacher_ckpt=_base_.teacher_ckpt,
    distiller=_base_.texture,
)
