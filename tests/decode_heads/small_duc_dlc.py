"""A small head of DUC and DLC, for images of three classes."""

NORM = dict(type="BN")
SMALL = dict(
    duc=dict(channels=8, guidance_channels=4),
    dlc=dict(channels=6, growth=4, bottleneck=5),
)
HEAD = dict(
    type="DUCDLCHead",
    in_channels=[3, 8, 32],
    num_classes=3,
    norm_cfg=NORM,
    align_corners=False,
    **SMALL,
)
