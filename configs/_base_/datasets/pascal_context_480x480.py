# Pascal-Context, 59 classes and background, in crops of 480, scaled and flipped as the
# paper of DUC and DLC has it, and measured by its final score.
_base_ = "mmseg::_base_/datasets/pascal_context.py"

crop_size = (480, 480)
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations"),
    dict(
        type="RandomResize", scale=(520, 520), ratio_range=(0.5, 2.0), keep_ratio=True
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
