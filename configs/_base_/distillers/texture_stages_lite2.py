# Texture of EfficientNet-Lite2 for students whose backbones do not return their stages: each
# stage has a loss of its own, as TextureLoss compares it, and a recorder that the file of the
# student defines.
_stages = [f"stage{i}" for i in range(1, 5)]

texture = dict(
    type="ConfigurableDistiller",
    student_recorders=dict(valid=dict(type="ValidArea")),
    teacher_recorders=dict(stages=dict(type="ModuleOutputs", source="backbone")),
    distill_losses={
        f"loss_texture_{stage}": dict(
            type="CDMLoss", teacher_channels=channels, levels=(3, 2), loss_weight=2.0
        )
        for stage, channels in zip(_stages, (24, 48, 120, 352), strict=True)
    },
    loss_forward_mappings={
        f"loss_texture_{stage}": dict(
            s_feature=dict(from_student=True, recorder=stage),
            t_feature=dict(from_student=False, recorder="stages", data_idx=i),
            valid=dict(from_student=True, recorder="valid"),
        )
        for i, stage in enumerate(_stages)
    },
)
