# DS2D2 on Cityscapes: PSPNet-R101 teaches PSPNet-R18.
#
#   tools/dist_train.sh configs/ds2d2-amplifier_pspnet_r101-d8_4xb4-80k_cityscapes-512x512.py 4
#   tools/dist_train.sh configs/ds2d2_pspnet_r101-d8_pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py 4
#   mim train mmrazor configs/ds2d2_pspnet_r101-d8_pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py \
#       --cfg-options train_dataloader.batch_size=16
#   mim test mmseg configs/pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py",
    "./_base_/teachers/pspnet_r101_cityscapes.py",
    "./_base_/distillers/ds2d2.py",
]
# The components of the crop, behind everything that changes it.
train_pipeline = [*_base_.train_pipeline, dict(type="LabelComponents")]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
_base_.ds2d2.distill_losses.loss_ds2d2.amplifiers.high.checkpoint = "work_dirs/ds2d2-amplifier_pspnet_r101-d8_4xb4-80k_cityscapes-512x512/iter_80000.pth"
model = dict(
    _delete_=True,
    _scope_="mmrazor",
    type="TextureDistill",
    architecture=_base_.model,
    teacher=_base_.teacher,
    teacher_ckpt=_base_.teacher_ckpt,
    distiller=_base_.ds2d2,
)
