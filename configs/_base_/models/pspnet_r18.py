# PSPNet-R18, output stride 8, as in MMSegmentation but with plain BatchNorm: it trains
# on several CPU processes too. The config that uses it sets the number of classes.
_base_ = "mmseg::_base_/models/pspnet_r50-d8.py"

norm_cfg = dict(type="BN", requires_grad=True)
model = dict(
    pretrained=None,
    backbone=dict(depth=18, norm_cfg=norm_cfg),
    decode_head=dict(in_channels=512, channels=128, norm_cfg=norm_cfg),
    auxiliary_head=dict(in_channels=256, channels=64, norm_cfg=norm_cfg),
)
