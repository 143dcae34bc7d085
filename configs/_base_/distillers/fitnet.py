# Plain feature distillation (FitNet): the last stage of the backbone, its channels
# aligned by a 1x1 convolution, by MMRazor's own parts.
fitnet = dict(
    type="ConfigurableDistiller",
    student_recorders=dict(stage4=dict(type="ModuleOutputs", source="backbone.layer4")),
    teacher_recorders=dict(stage4=dict(type="ModuleOutputs", source="backbone.layer4")),
    connectors=dict(
        align=dict(
            type="ConvModuleConnector", in_channel=512, out_channel=2048, act_cfg=None
        )
    ),
    distill_losses=dict(
        loss_feature=dict(type="L2Loss", normalize=False, div_element=True)
    ),
    loss_forward_mappings=dict(
        loss_feature=dict(
            s_feature=dict(from_student=True, recorder="stage4", connector="align"),
            t_feature=dict(from_student=False, recorder="stage4"),
        )
    ),
)
