# The student alone: PSPNet-R18 at a quarter of its width on aerial images. It is the
# control of the distillation configs of this student, which differ in `model`.
#
#   python tools/dataset_converters/aerial.py SRC
#   mim train mmseg configs/pspnet_r18-w16-d8_1xb8-900iters_aerial-128x128.py
#   mim test mmseg configs/pspnet_r18-w16-d8_1xb8-900iters_aerial-128x128.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_900.py",
    "./_base_/datasets/aerial_128x128.py",
    "./_base_/models/pspnet_r18_w16.py",
]
data_preprocessor = dict(size=(128, 128))
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(num_classes=5),
    auxiliary_head=dict(num_classes=5),
)
