# Texture between EfficientNet-Lite2 and BiSeNetV2: the detail branch at strides 4 and 8,
# and the semantic one at 16 and 32.
_base_ = "./texture_stages_lite2.py"

_recorders = dict(
    stage1=dict(type="ModuleOutputs", source="backbone.detail.detail_branch.1"),
    stage2=dict(type="ModuleOutputs", source="backbone.detail.detail_branch.2"),
    stage3=dict(type="ModuleOutputs", source="backbone.semantic.stage3"),
    stage4=dict(type="ModuleOutputs", source="backbone.semantic.stage4"),
)
texture = dict(
    student_recorders=_recorders,
    distill_losses={
        f"loss_texture_{stage}": dict(student_channels=channels)
        for stage, channels in zip(_recorders, (64, 128, 64, 128), strict=True)
    },
)
