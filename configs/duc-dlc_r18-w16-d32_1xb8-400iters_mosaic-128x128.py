# DUC and DLC on the texture mosaic, with the IoU along boundaries.
#
#   mim train mmseg configs/duc-dlc_r18-w16-d32_1xb8-400iters_mosaic-128x128.py
#   mim test mmseg configs/duc-dlc_r18-w16-d32_1xb8-400iters_mosaic-128x128.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_400.py",
    "./_base_/datasets/texture_mosaic.py",
    "./_base_/models/duc_dlc_r18_w16.py",
]
data_preprocessor = dict(size=(128, 128))
model = dict(data_preprocessor=data_preprocessor, decode_head=dict(num_classes=12))
val_evaluator = dict(type="TrimapIoUMetric", iou_metrics=["mIoU"])
test_evaluator = val_evaluator
