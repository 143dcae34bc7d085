# Texture between EfficientNet-Lite2 and PIDNet-S: the stem, at strides 4 and 8, and the
# integral branch at 16 and 32.
_base_ = "./texture_stages_lite2.py"

_recorders = dict(
    stage1=dict(type="ModuleOutputs", source="backbone.stem.3"),
    stage2=dict(type="ModuleOutputs", source="backbone.stem.5"),
    stage3=dict(type="ModuleOutputs", source="backbone.i_branch_layers.0"),
    stage4=dict(type="ModuleOutputs", source="backbone.i_branch_layers.1"),
)
texture = dict(
    student_recorders=_recorders,
    distill_losses={
        f"loss_texture_{stage}": dict(student_channels=channels)
        for stage, channels in zip(_recorders, (32, 64, 128, 256), strict=True)
    },
)
