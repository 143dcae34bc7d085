# DeepLabV3+ of the spectral analysis on VOC 2012, features of 129x129 in its decoder.
#
#   mim train mmseg configs/deeplabv3plus_r101-d32_1xb8-132k_voc12aug-513x513.py
#   mim test mmseg configs/deeplabv3plus_r101-d32_1xb8-132k_voc12aug-513x513.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/spectral_132k.py",
    "./_base_/datasets/voc12aug_513x513.py",
    "./_base_/models/deeplabv3plus_r101_d32.py",
]
model = dict(decode_head=dict(num_classes=21))
