# Texture between EfficientNet-Lite2 and STDC1: the stages at strides 4, 8, 16 and 32, of
# which the backbone returns only what its context path makes.
_base_ = "./texture_stages_lite2.py"

_recorders = dict(
    stage1=dict(type="ModuleOutputs", source="backbone.backbone.stages.1"),
    stage2=dict(type="ModuleOutputs", source="backbone.backbone.stages.2"),
    stage3=dict(type="ModuleOutputs", source="backbone.backbone.stages.3"),
    stage4=dict(type="ModuleOutputs", source="backbone.backbone.stages.4"),
)
texture = dict(
    student_recorders=_recorders,
    distill_losses={
        f"loss_texture_{stage}": dict(student_channels=channels)
        for stage, channels in zip(_recorders, (64, 256, 512, 1024), strict=True)
    },
)
