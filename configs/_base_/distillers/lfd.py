# LFD, local feature distillation (Park and Kwak 2021): the last stage of the backbone,
# regressed by three 3x3 convolutions, for a ResNet-50/101 teacher and a ResNet-18/34
# student.
lfd = dict(
    type="ConfigurableDistiller",
    student_recorders=dict(
        stage4=dict(type="ModuleOutputs", source="backbone.layer4"),
        valid=dict(type="ValidArea"),
    ),
    teacher_recorders=dict(stage4=dict(type="ModuleOutputs", source="backbone.layer4")),
    connectors=dict(lfd=dict(type="LFDConnector", in_channel=512, out_channel=2048)),
    distill_losses=dict(loss_lfd=dict(type="LSFDLoss", attention="none")),
    loss_forward_mappings=dict(
        loss_lfd=dict(
            s_feature=dict(from_student=True, recorder="stage4", connector="lfd"),
            t_feature=dict(from_student=False, recorder="stage4"),
            valid=dict(from_student=True, recorder="valid"),
        )
    ),
)
