# ADE20K in crops of 480, scaled and flipped as DUC and DLC's paper has it, and measured by its
# final score.
_base_ = "./ade20k_512x512.py"

crop_size = (480, 480)
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", reduce_zero_label=True),
    dict(
        type="RandomResize", scale=(2048, 512), ratio_range=(0.5, 2.0), keep_ratio=True
    ),
    dict(type="RandomCrop", crop_size=crop_size, cat_max_ratio=0.75),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackSegInputs"),
]
train_dataloader = dict(
    batch_size=4, num_workers=4, dataset=dict(pipeline=train_pipeline)
)
val_evaluator = dict(type="FinalScoreMetric", iou_metrics=["mIoU"])
test_evaluator = val_evaluator
