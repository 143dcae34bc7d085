# A teacher for two CPU cores: PSPNet-R18 at half its width on the texture mosaic.
#
#   mim train mmseg configs/pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py
#   mim test mmseg configs/pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_400.py",
    "./_base_/datasets/texture_mosaic.py",
    "./_base_/teachers/pspnet_r18_w32_mosaic.py",
]
model = _base_.teacher
