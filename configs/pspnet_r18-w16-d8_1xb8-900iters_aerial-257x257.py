# The student alone: PSPNet-R18 at a quarter of its width, which nobody has trained before,
# on aerial images in crops of 257, from -1 to 1 as its teacher, EfficientNet-Lite2, has
# them. It is the control of the distillation configs of this student, which differ in
# `model`.
#
#   python tools/dataset_converters/aerial.py SRC --tile-size 512 --out-dir data/aerial_512
#   mim train mmseg configs/pspnet_r18-w16-d8_1xb8-900iters_aerial-257x257.py
#   mim test mmseg configs/pspnet_r18-w16-d8_1xb8-900iters_aerial-257x257.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_900.py",
    "./_base_/datasets/aerial_257x257.py",
    "./_base_/models/pspnet_r18_w16.py",
]
# RGB from -1 to 1, as the teacher's weights have it.
data_preprocessor = dict(mean=[127.5] * 3, std=[127.5] * 3, size=(257, 257))
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(num_classes=5),
    auxiliary_head=dict(num_classes=5),
)
