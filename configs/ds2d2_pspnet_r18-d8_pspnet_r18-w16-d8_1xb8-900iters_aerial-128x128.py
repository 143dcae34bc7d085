# DS2D2 for two CPU cores, on aerial images.
#
#   mim train mmseg configs/pspnet_r18-d8_1xb8-1800iters_aerial-128x128.py
#   mim train mmseg configs/ds2d2-amplifier_pspnet_r18-d8_1xb8-1800iters_aerial-128x128.py
#   mim train mmrazor configs/ds2d2_pspnet_r18-d8_pspnet_r18-w16-d8_1xb8-900iters_aerial-128x128.py
#   mim test mmseg configs/pspnet_r18-w16-d8_1xb8-900iters_aerial-128x128.py --checkpoint CHECKPOINT
_base_ = [
    "./pspnet_r18-w16-d8_1xb8-900iters_aerial-128x128.py",
    "./_base_/teachers/pspnet_r18_aerial_128x128.py",
    "./_base_/distillers/ds2d2_w64_w16.py",
]
# The components of the crop, behind everything that changes it.
train_pipeline = [*_base_.train_pipeline, dict(type="LabelComponents")]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
_base_.ds2d2.distill_losses.loss_ds2d2.amplifiers.high.checkpoint = "work_dirs/ds2d2-amplifier_pspnet_r18-d8_1xb8-1800iters_aerial-128x128/iter_1800.pth"
model = dict(
    _delete_=True,
    _scope_="mmrazor",
    type="TextureDistill",
    architecture=_base_.model,
    teacher=_base_.teacher,
    teacher_ckpt=_base_.teacher_ckpt,
    distiller=_base_.ds2d2,
)
