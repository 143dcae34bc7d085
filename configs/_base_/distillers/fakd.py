# FAKD (He et al. 2020): affinities of the last stage of the backbone.
fakd = dict(
    type="ConfigurableDistiller",
    student_recorders=dict(
        stage4=dict(type="ModuleOutputs", source="backbone.layer4"),
        valid=dict(type="ValidArea"),
    ),
    teacher_recorders=dict(stage4=dict(type="ModuleOutputs", source="backbone.layer4")),
    distill_losses=dict(loss_affinity=dict(type="FAKDLoss")),
    loss_forward_mappings=dict(
        loss_affinity=dict(
            s_feature=dict(from_student=True, recorder="stage4"),
            t_feature=dict(from_student=False, recorder="stage4"),
            valid=dict(from_student=True, recorder="valid"),
        )
    ),
)
