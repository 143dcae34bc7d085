# Texture on CamVid: PSPNet-R101 teaches PSPNet-R18.
#
#   mim train mmseg configs/pspnet_r101-d8_1xb16-80k_camvid-360x480.py
#   mim train mmrazor configs/texture_pspnet_r101-d8_pspnet_r18-d8_1xb16-80k_camvid-360x480.py
#   mim test mmseg configs/pspnet_r18-d8_1xb16-80k_camvid-360x480.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18-d8_1xb16-80k_camvid-360x480.py",
    "./_base_/teachers/pspnet_r101_camvid.py",
    "./_base_/distillers/texture.py",
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
