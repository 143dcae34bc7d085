# PSPNet on timm's EfficientNet-Lite0, output stride 16, with the ImageNet weights that
# tools/model_converters/efficientnet_lite.py brings. The config that uses it sets the size
# and the number of classes.
_base_ = "mmseg::_base_/models/pspnet_r50-d8.py"

norm_cfg = dict(type="BN", requires_grad=True)
# The images that the weights were trained on: RGB, from -1 to 1.
data_preprocessor = dict(mean=[127.5] * 3, std=[127.5] * 3)
model = dict(
    data_preprocessor=data_preprocessor,
    pretrained=None,
    backbone=dict(
        _delete_=True,
        type="TIMMBackbone",
        model_name="tf_efficientnet_lite0",
        # Without it timm asks a hub for weights.
        pretrained=False,
        features_only=True,
        # Strides 4, 8, 16 and 32, the last dilated to 16. At 8 a step on a CPU takes
        # three times as long.
        out_indices=(1, 2, 3, 4),
        output_stride=16,
        init_cfg=dict(
            type="Pretrained", checkpoint="checkpoints/efficientnet_lite0.pth"
        ),
    ),
    decode_head=dict(in_channels=320, channels=128, norm_cfg=norm_cfg),
    auxiliary_head=dict(in_channels=112, channels=64, norm_cfg=norm_cfg),
)
