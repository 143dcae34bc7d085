# DS2D2's high-frequency amplifier: the head of MMSegmentation's PSPNet-R101 on
# Cityscapes, trained anew on the details of the teacher's features.
#
#   tools/dist_train.sh configs/ds2d2-amplifier_pspnet_r101-d8_4xb4-80k_cityscapes-512x512.py 4
#   mim train mmseg configs/ds2d2-amplifier_pspnet_r101-d8_4xb4-80k_cityscapes-512x512.py \
#       --cfg-options train_dataloader.batch_size=16
#   mim test mmseg configs/ds2d2-amplifier_pspnet_r101-d8_4xb4-80k_cityscapes-512x512.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/sstkd_80k.py",
    "./_base_/datasets/cityscapes_512x512.py",
    "./_base_/teachers/pspnet_r101_cityscapes.py",
]
model = _base_.teacher
model.type = "texture_kd.HighFrequencyEncoderDecoder"
model.teacher_ckpt = _base_.teacher_ckpt
model.auxiliary_head = None
