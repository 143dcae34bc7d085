# DUC and DLC at a small scale, on ResNet-18 at a quarter of its width without dilation: for
# two CPU cores.
_base_ = "./pspnet_r18_w16.py"

norm_cfg = dict(type="BN", requires_grad=True)

model = dict(
    type="EncoderDecoderWithImage",
    backbone=dict(strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1)),
    decode_head=dict(
        _delete_=True,
        type="DUCDLCHead",
        in_channels=[3, 32, 128],
        in_index=[-1, 1, 3],
        duc=dict(channels=32, guidance_channels=8),
        dlc=dict(channels=64, growth=16, bottleneck=16),
        dropout_ratio=0.1,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type="CrossEntropyLoss", loss_weight=1.0),
    ),
    auxiliary_head=None,
)
