# DUC and DLC on ResNet-101 without dilation, output stride 32, under the name of
# `teacher`, so that a distillation config can have it beside the student's `model`.
_norm_cfg = dict(type="SyncBN", requires_grad=True)
teacher = dict(
    type="texture_kd.EncoderDecoderWithImage",
    data_preprocessor=dict(
        type="mmseg.SegDataPreProcessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=(480, 480),
    ),
    pretrained=None,
    backbone=dict(
        type="mmseg.ResNetV1c",
        depth=101,
        norm_cfg=_norm_cfg,
        norm_eval=False,
        style="pytorch",
    ),
    decode_head=dict(
        type="texture_kd.DUCDLCHead",
        # The image, stage 2 and stage 4.
        in_channels=[3, 512, 2048],
        in_index=[-1, 1, 3],
        num_classes=19,
        norm_cfg=_norm_cfg,
        align_corners=False,
        dropout_ratio=0.1,
        loss_decode=dict(type="mmseg.CrossEntropyLoss", loss_weight=1.0),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
