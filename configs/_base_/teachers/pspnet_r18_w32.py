# PSPNet-R18 at half its width: the teacher of pspnet_r18_w16.
_base_ = "./pspnet_r101.py"

teacher = dict(
    backbone=dict(depth=18, stem_channels=32, base_channels=32),
    decode_head=dict(in_channels=256, channels=64),
    auxiliary_head=dict(in_channels=128, channels=32),
)
