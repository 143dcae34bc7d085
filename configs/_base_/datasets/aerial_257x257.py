# Aerial images in crops of 257, whose sides halve to odd ones down to a stride of 32. A
# tile of 256 is smaller than that, and so these are of 512:
#
#   python tools/dataset_converters/aerial.py SRC --tile-size 512 --out-dir data/aerial_512
#
# The smallest scale leaves 384 pixels: no crop needs padding here, either.
_base_ = "./aerial_128x128.py"

data_root = "data/aerial_512/"
crop_size = (257, 257)
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations"),
    dict(
        type="RandomResize", scale=(512, 512), ratio_range=(0.75, 1.5), keep_ratio=True
    ),
    dict(type="RandomCrop", crop_size=crop_size, cat_max_ratio=0.75),
    *_base_.train_pipeline[4:],
]
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
