# DS2D2's high-frequency amplifier for two CPU cores: the head of a teacher on the
# texture mosaic, trained anew on the details of the teacher's features.
#
#   mim train mmseg configs/pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py
#   mim train mmseg configs/ds2d2-amplifier_pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py
#   mim test mmseg configs/ds2d2-amplifier_pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_400.py",
    "./_base_/datasets/texture_mosaic.py",
    "./_base_/teachers/pspnet_r18_w32_mosaic.py",
]
model = _base_.teacher
model.type = "texture_kd.HighFrequencyEncoderDecoder"
model.teacher_ckpt = _base_.teacher_ckpt
model.auxiliary_head = None
