# SSTKD and LSFD on CamVid: PSPNet-R101 teaches PSPNet-R18.
#
#   mim train mmseg configs/pspnet_r101-d8_1xb16-80k_camvid-360x480.py
#   mim train mmrazor configs/sstkd-lsfd_pspnet_r101-d8_pspnet_r18-d8_1xb16-80k_camvid-360x480.py
#   mim test mmseg configs/pspnet_r18-d8_1xb16-80k_camvid-360x480.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18-d8_1xb16-80k_camvid-360x480.py",
    "./_base_/teachers/pspnet_r101_camvid.py",
    "./_base_/distillers/sstkd_lsfd.py",
]
_base_.sstkd.distill_losses.loss_adversarial.num_classes = (
    _base_.model.decode_head.num_classes
)
optim_wrapper = dict(
    _delete_=True,
    constructor="CriticOptimWrapperConstructor",
    architecture=_base_.optim_wrapper,
    critic=_base_.critic,
)
model = dict(
    _delete_=True,
    _scope_="mmrazor",
    type="TextureDistill",
    architecture=_base_.model,
    teacher=_base_.teacher,
    teacher_ckpt=_base_.teacher_ckpt,
    distiller=_base_.sstkd,
)
