# A PSPNet under the name of `teacher`, so that a distillation config can have it beside
# the student's `model`. ResNet-101, output stride 8, with plain BatchNorm. Its head has
# the weights and the result of PSPHead, in half the operations.
_norm_cfg = dict(type="BN", requires_grad=True)
_head = dict(
    num_classes=19,
    norm_cfg=_norm_cfg,
    align_corners=False,
    dropout_ratio=0.1,
)
teacher = dict(
    type="mmseg.EncoderDecoder",
    data_preprocessor=dict(
        type="mmseg.SegDataPreProcessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
    ),
    pretrained=None,
    backbone=dict(
        type="mmseg.ResNetV1c",
        depth=101,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        dilations=(1, 1, 2, 4),
        strides=(1, 2, 1, 1),
        norm_cfg=_norm_cfg,
        norm_eval=False,
        style="pytorch",
        contract_dilation=True,
    ),
    decode_head=dict(
        type="texture_kd.LeanPSPHead",
        in_channels=2048,
        in_index=3,
        channels=512,
        pool_scales=(1, 2, 3, 6),
        loss_decode=dict(type="mmseg.CrossEntropyLoss", loss_weight=1.0),
        **_head,
    ),
    auxiliary_head=dict(
        type="mmseg.FCNHead",
        in_channels=1024,
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        loss_decode=dict(type="mmseg.CrossEntropyLoss", loss_weight=0.4),
        **_head,
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
