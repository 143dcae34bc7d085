# DIOR as it is released, trained on train and val and tested on test:
#
#   data/DIOR/ImageSets/Main/{train,val,test}.txt
#   data/DIOR/JPEGImages-{trainval,test}/*.jpg
#   data/DIOR/Annotations/Horizontal Bounding Boxes/*.xml
#
# All its images are 800x800.
crop_size = (800, 800)
classes = (
    "airplane",
    "airport",
    "baseballfield",
    "basketballcourt",
    "bridge",
    "chimney",
    "dam",
    "Expressway-Service-area",
    "Expressway-toll-station",
    "golffield",
    "groundtrackfield",
    "harbor",
    "overpass",
    "ship",
    "stadium",
    "storagetank",
    "tenniscourt",
    "trainstation",
    "vehicle",
    "windmill",
)
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="Resize", scale=crop_size, keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackDetInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=crop_size, keep_ratio=True),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(
        type="PackDetInputs",
        # The metric takes the truth from the data set: "instances".
        meta_keys=(
            "img_id",
            "img_path",
            "ori_shape",
            "img_shape",
            "scale_factor",
            "instances",
        ),
    ),
]
_dior = dict(
    type="XMLDataset",
    data_root="data/DIOR/",
    data_prefix=dict(sub_data_root=""),
    ann_subdir="Annotations/Horizontal Bounding Boxes",
    # The names have capitals here as they have in the files.
    metainfo=dict(classes=classes),
)
_trained = dict(
    _dior,
    img_subdir="JPEGImages-trainval",
    filter_cfg=dict(filter_empty_gt=True, min_size=32),
    pipeline=train_pipeline,
)
train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(
        type="ConcatDataset",
        datasets=[
            dict(_trained, ann_file="ImageSets/Main/train.txt"),
            dict(_trained, ann_file="ImageSets/Main/val.txt"),
        ],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        _dior,
        img_subdir="JPEGImages-test",
        ann_file="ImageSets/Main/test.txt",
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="CocoMetric", metric="bbox")
test_evaluator = val_evaluator
