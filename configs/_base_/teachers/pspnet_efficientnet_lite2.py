# PSPNet on timm's EfficientNet-Lite2, output stride 16, with the ImageNet weights that
# tools/model_converters/efficientnet_lite.py brings. It takes images in RGB from -1 to 1,
# and so do its students.
_base_ = "./pspnet_r101.py"

teacher = dict(
    data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3),
    backbone=dict(
        _delete_=True,
        type="mmseg.TIMMBackbone",
        model_name="tf_efficientnet_lite2",
        # Without it timm asks a hub for weights.
        pretrained=False,
        features_only=True,
        # Strides 4, 8, 16 and 32, the last dilated to 16. At 8 a step on a CPU takes
        # three times as long.
        out_indices=(1, 2, 3, 4),
        output_stride=16,
        init_cfg=dict(
            type="Pretrained", checkpoint="checkpoints/efficientnet_lite2.pth"
        ),
    ),
    decode_head=dict(in_channels=352, channels=128),
    auxiliary_head=dict(in_channels=120, channels=64),
)
