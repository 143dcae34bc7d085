# DS2D2's high-frequency amplifier for two CPU cores: the head of a teacher on aerial
# images, trained anew on the details of the teacher's features.
#
#   python tools/dataset_converters/aerial.py SRC
#   mim train mmseg configs/pspnet_r18-d8_1xb8-1800iters_aerial-128x128.py
#   mim train mmseg configs/ds2d2-amplifier_pspnet_r18-d8_1xb8-1800iters_aerial-128x128.py
#   mim test mmseg configs/ds2d2-amplifier_pspnet_r18-d8_1xb8-1800iters_aerial-128x128.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_1800.py",
    "./_base_/datasets/aerial_128x128.py",
    "./_base_/teachers/pspnet_r18_aerial_128x128.py",
]
# The teacher's own recipe.
optim_wrapper = dict(optimizer=dict(lr=0.003))
model = _base_.teacher
model.type = "texture_kd.HighFrequencyEncoderDecoder"
model.teacher_ckpt = _base_.teacher_ckpt
model.auxiliary_head = None
