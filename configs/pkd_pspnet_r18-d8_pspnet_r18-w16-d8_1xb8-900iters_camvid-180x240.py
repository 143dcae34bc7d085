# PKD on four stages for two CPU cores, on CamVid at 180x240.
#
#   mim train mmseg configs/pspnet_r18-d8_1xb8-1800iters_camvid-180x240.py
#   mim train mmrazor configs/pkd_pspnet_r18-d8_pspnet_r18-w16-d8_1xb8-900iters_camvid-180x240.py
#   mim test mmseg configs/pspnet_r18-w16-d8_1xb8-900iters_camvid-180x240.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18-w16-d8_1xb8-900iters_camvid-180x240.py",
    "./_base_/teachers/pspnet_r18_camvid_180x240.py",
    "./_base_/distillers/pkd_w64_w16.py",
]
model = dict(
    _delete_=True,
    _scope_="mmrazor",
    type="TextureDistill",
    architecture=_base_.model,
    teacher=_base_.teacher,
    teacher_ckpt=_base_.teacher_ckpt,
    distiller=_base_.pkd,
)
