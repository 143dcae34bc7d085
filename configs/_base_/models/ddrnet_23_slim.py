# DDRNet23-slim as in MMSegmentation's config for Cityscapes, with plain BatchNorm, which
# CPU processes train too, and without weights of its classes. Of the hard pixels at least
# as many are kept, 2 % of them, for eight crops of 193x257. The config that uses it sets
# the images' mean, deviation and size, and the number of classes.
norm_cfg = dict(type="BN", requires_grad=True)
_hard = dict(type="OhemCrossEntropy", thres=0.9, min_kept=8192)
data_preprocessor = dict(
    type="mmseg.SegDataPreProcessor", bgr_to_rgb=True, pad_val=0, seg_pad_val=255
)
model = dict(
    type="EncoderDecoder",
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type="DDRNet",
        channels=32,
        ppm_channels=128,
        align_corners=False,
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(
        type="DDRHead",
        in_channels=128,
        channels=64,
        dropout_ratio=0.0,
        num_classes=19,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=[dict(_hard, loss_weight=1.0), dict(_hard, loss_weight=0.4)],
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
