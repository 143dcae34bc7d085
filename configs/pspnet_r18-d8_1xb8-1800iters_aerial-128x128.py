# A teacher for two CPU cores: PSPNet-R18 on aerial images.
#
#   python tools/dataset_converters/aerial.py SRC
#   mim train mmseg configs/pspnet_r18-d8_1xb8-1800iters_aerial-128x128.py
#   mim test mmseg configs/pspnet_r18-d8_1xb8-1800iters_aerial-128x128.py \
#       --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_1800.py",
    "./_base_/datasets/aerial_128x128.py",
    "./_base_/teachers/pspnet_r18_aerial_128x128.py",
]
model = _base_.teacher
# It learns once and teaches many, and the student's learning rate is too high for it.
optim_wrapper = dict(optimizer=dict(lr=0.003))
