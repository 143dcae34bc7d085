"""Configs of a small segmentor of MMSegmentation."""

NORM = dict(type="BN")
BACKBONE = dict(
    type="ResNetV1c",
    depth=18,
    base_channels=4,
    stem_channels=4,
    strides=(1, 2, 1, 1),
    dilations=(1, 1, 2, 4),
    norm_cfg=NORM,
)
HEAD = dict(
    type="PSPHead",
    in_channels=32,
    in_index=3,
    channels=8,
    num_classes=3,
    norm_cfg=NORM,
    align_corners=False,
)
