# Procedural texture mosaics: nothing to download, twelve classes.
dataset_type = "TextureMosaicDataset"
crop_size = (128, 128)
# No flip and no resize: they would change the directions and the scales, which are
# the classes.
train_pipeline = [
    dict(type="LoadTextureMosaic", size=crop_size),
    dict(type="PackSegInputs"),
]
test_pipeline = train_pipeline

train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        type=dataset_type, split="train", length=2000, pipeline=train_pipeline
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type=dataset_type, split="val", length=100, pipeline=test_pipeline),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type=dataset_type, split="test", length=100, pipeline=test_pipeline),
)

val_evaluator = dict(type="IoUMetric", iou_metrics=["mIoU"])
test_evaluator = val_evaluator
