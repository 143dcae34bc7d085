# PSPNet-R18 at a quarter of its width: a student that two CPU cores train in minutes, with
# plain BatchNorm, which several CPU processes train too.
_base_ = "./pspnet_r18.py"

norm_cfg = dict(type="BN", requires_grad=True)
model = dict(
    pretrained=None,
    backbone=dict(stem_channels=16, base_channels=16, norm_cfg=norm_cfg),
    decode_head=dict(in_channels=128, channels=32, norm_cfg=norm_cfg),
    auxiliary_head=dict(in_channels=64, channels=16, norm_cfg=norm_cfg),
)
