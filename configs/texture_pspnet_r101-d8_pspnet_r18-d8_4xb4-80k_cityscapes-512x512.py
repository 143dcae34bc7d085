# Texture on Cityscapes: PSPNet-R101 teaches PSPNet-R18.
#
#   tools/dist_train.sh configs/texture_pspnet_r101-d8_pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py 4
#   mim train mmrazor configs/texture_pspnet_r101-d8_pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py \
#       --cfg-options train_dataloader.batch_size=16
#   mim test mmseg configs/pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py",
    "./_base_/teachers/pspnet_r101_cityscapes.py",
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
