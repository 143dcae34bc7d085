# SSTKD on Cityscapes: DUC and DLC on ResNet-101 teach PSPNet-R18.
#
#   tools/dist_train.sh configs/duc-dlc_r101-d32_4xb4-80k_cityscapes-480x480.py 4
#   mim train mmseg configs/duc-dlc_r101-d32_4xb4-80k_cityscapes-480x480.py \
#       --cfg-options train_dataloader.batch_size=16
#   tools/dist_train.sh configs/sstkd_duc-dlc_r101-d32_pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py 4
#   mim train mmrazor configs/sstkd_duc-dlc_r101-d32_pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py \
#       --cfg-options train_dataloader.batch_size=16
#   mim test mmseg configs/pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py",
    "./_base_/teachers/duc_dlc_r101_cityscapes.py",
    "./_base_/distillers/sstkd.py",
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
