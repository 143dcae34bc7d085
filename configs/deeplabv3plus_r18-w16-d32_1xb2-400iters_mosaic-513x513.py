# DeepLabV3+ for two CPU cores on texture mosaics as large as the paper's images, features
# of 129x129 in its decoder. Nothing to download.
#
#   mim train mmseg configs/deeplabv3plus_r18-w16-d32_1xb2-400iters_mosaic-513x513.py
#   mim test mmseg configs/deeplabv3plus_r18-w16-d32_1xb2-400iters_mosaic-513x513.py \
#       --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_400.py",
    "./_base_/datasets/texture_mosaic.py",
    "./_base_/models/deeplabv3plus_r18_w32_d32.py",
]
model = dict(
    backbone=dict(base_channels=16, stem_channels=16),
    decode_head=dict(
        in_channels=128, channels=32, c1_in_channels=16, c1_channels=8, num_classes=12
    ),
)
# Regions twice as wide as those of 128x128.
crop_size = (513, 513)
train_pipeline = [
    dict(type="LoadTextureMosaic", size=crop_size, regions=(24, 64)),
    dict(type="PackSegInputs"),
]
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=train_pipeline))
