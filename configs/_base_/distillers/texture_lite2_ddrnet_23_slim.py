# Texture between EfficientNet-Lite2 and DDRNet23-slim: the stem, at strides 4 and 8, and
# the context branch at 16 and 32, where the spatial one has been added to it. It is added
# in place, and so what the next layer takes is recorded.
_base_ = "./texture_stages_lite2.py"

_recorders = dict(
    stage1=dict(type="ModuleOutputs", source="backbone.stem.3"),
    stage2=dict(type="ModuleOutputs", source="backbone.stem.5"),
    stage3=dict(type="ModuleInputs", source="backbone.context_branch_layers.1"),
    stage4=dict(type="ModuleInputs", source="backbone.context_branch_layers.2"),
)
texture = dict(
    student_recorders=_recorders,
    distill_losses={
        f"loss_texture_{stage}": dict(student_channels=channels)
        for stage, channels in zip(_recorders, (32, 64, 128, 256), strict=True)
    },
    loss_forward_mappings={
        f"loss_texture_{stage}": dict(s_feature=dict(data_idx=0))
        for stage in ("stage3", "stage4")
    },
)
