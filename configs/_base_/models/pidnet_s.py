# PIDNet-S as in MMSegmentation's config for Cityscapes, with plain BatchNorm, which CPU
# processes train too, and without weights of its classes. It learns from `gt_edge_map`,
# which GenerateEdge makes in the pipeline. Of the hard pixels at least as many are kept,
# 2 % of them, for eight crops of 193x257. The config that uses it sets the images' mean,
# deviation and size, and the number of classes.
norm_cfg = dict(type="BN", requires_grad=True)
act_cfg = dict(type="ReLU", inplace=True)
_hard = dict(type="OhemCrossEntropy", thres=0.9, min_kept=8192, loss_weight=1.0)
data_preprocessor = dict(
    type="mmseg.SegDataPreProcessor", bgr_to_rgb=True, pad_val=0, seg_pad_val=255
)
model = dict(
    type="EncoderDecoder",
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type="PIDNet",
        channels=32,
        ppm_channels=96,
        num_stem_blocks=2,
        num_branch_blocks=3,
        align_corners=False,
        norm_cfg=norm_cfg,
        act_cfg=act_cfg,
    ),
    decode_head=dict(
        type="PIDHead",
        in_channels=128,
        channels=128,
        num_classes=19,
        norm_cfg=norm_cfg,
        act_cfg=act_cfg,
        align_corners=True,
        loss_decode=[
            dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=0.4),
            _hard,
            dict(type="BoundaryLoss", loss_weight=20.0),
            _hard,
        ],
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
