# The student alone: PSPNet-R18 at a quarter of its width on the texture mosaic. It is
# the control of the distillation configs of this student, which differ in `model`.
#
#   mim train mmseg configs/pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py
#   mim test mmseg configs/pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_400.py",
    "./_base_/datasets/texture_mosaic.py",
    "./_base_/models/pspnet_r18_w16.py",
]
data_preprocessor = dict(size=(128, 128))
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(num_classes=12),
    auxiliary_head=dict(num_classes=12),
)
