# Texture between EfficientNet-Lite2 and Fast-SCNN: the two branches' common start at
# strides 4 and 8, and the global features at 16 and 32.
_base_ = "./texture_stages_lite2.py"

_recorders = dict(
    stage1=dict(type="ModuleOutputs", source="backbone.learning_to_downsample.dsconv1"),
    stage2=dict(type="ModuleOutputs", source="backbone.learning_to_downsample.dsconv2"),
    stage3=dict(
        type="ModuleOutputs", source="backbone.global_feature_extractor.bottleneck1"
    ),
    stage4=dict(
        type="ModuleOutputs", source="backbone.global_feature_extractor.bottleneck3"
    ),
)
texture = dict(
    student_recorders=_recorders,
    distill_losses={
        f"loss_texture_{stage}": dict(student_channels=channels)
        for stage, channels in zip(_recorders, (48, 64, 64, 128), strict=True)
    },
)
