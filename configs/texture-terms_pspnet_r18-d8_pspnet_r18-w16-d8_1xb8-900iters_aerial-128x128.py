# Texture, CWD, the response and the statistical term for two CPU cores, which the suites of
# tools/benchmark take apart, on aerial images.
#
#   mim train mmseg configs/pspnet_r18-d8_1xb8-1800iters_aerial-128x128.py
#   mim train mmrazor configs/texture-terms_pspnet_r18-d8_pspnet_r18-w16-d8_1xb8-900iters_aerial-128x128.py
#   mim test mmseg configs/pspnet_r18-w16-d8_1xb8-900iters_aerial-128x128.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18-w16-d8_1xb8-900iters_aerial-128x128.py",
    "./_base_/teachers/pspnet_r18_aerial_128x128.py",
    "./_base_/distillers/texture_terms_w64_w16.py",
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
