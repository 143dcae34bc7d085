# PSPNet-R18, the teacher of pspnet_r18_w16 on CamVid and aerial images.
_base_ = "./pspnet_r101.py"

teacher = dict(
    backbone=dict(depth=18),
    decode_head=dict(in_channels=512, channels=128),
    auxiliary_head=dict(in_channels=256, channels=64),
)
