# DeepLabV3+ of the spectral analysis with a quarter of its width, on ResNet-18 at half its
# width: for two CPU cores, from scratch, with plain BatchNorm.
_base_ = "./deeplabv3plus_r101_d32.py"

norm_cfg = dict(type="BN", requires_grad=True)
model = dict(
    pretrained=None,
    backbone=dict(depth=18, base_channels=32, stem_channels=32, norm_cfg=norm_cfg),
    decode_head=dict(
        in_channels=256,
        channels=64,
        c1_in_channels=32,
        c1_channels=12,
        norm_cfg=norm_cfg,
    ),
    test_cfg=dict(_delete_=True, mode="whole"),
)
