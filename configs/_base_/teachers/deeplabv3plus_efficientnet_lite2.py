# DeepLabV3+ on timm's EfficientNet-Lite2, output stride 16.
_base_ = "./pspnet_efficientnet_lite2.py"

teacher = dict(
    decode_head=dict(
        _delete_=True,
        type="mmseg.DepthwiseSeparableASPPHead",
        in_channels=352,
        in_index=3,
        channels=128,
        # Half of what DeepLab has at this stride, for images of half the size.
        dilations=(1, 3, 6, 9),
        c1_in_channels=24,
        c1_channels=24,
        dropout_ratio=0.1,
        num_classes=19,
        norm_cfg=dict(type="BN", requires_grad=True),
        align_corners=False,
        loss_decode=dict(type="mmseg.CrossEntropyLoss", loss_weight=1.0),
    ),
)
