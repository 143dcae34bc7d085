# SSTKD on Cityscapes: PSPNet-R101 teaches DeepLabV3-R18.
#
#   tools/dist_train.sh configs/sstkd_pspnet_r101-d8_deeplabv3_r18-d8_4xb4-80k_cityscapes-512x512.py 4
#   mim train mmrazor configs/sstkd_pspnet_r101-d8_deeplabv3_r18-d8_4xb4-80k_cityscapes-512x512.py \
#       --cfg-options train_dataloader.batch_size=16
#   mim test mmseg configs/deeplabv3_r18-d8_4xb4-80k_cityscapes-512x512.py --checkpoint CHECKPOINT
_base_ = [
    "./deeplabv3_r18-d8_4xb4-80k_cityscapes-512x512.py",
    "./_base_/teachers/pspnet_r101_cityscapes.py",
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
