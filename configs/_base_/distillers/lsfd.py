# LSFD (Park and Kwak 2021): the last stage of the backbone, regressed by three 3x3
# convolutions, most where the predictions of teacher and student differ. The regressor
# is for a ResNet-50/101 teacher and a ResNet-18/34 student.
lsfd = dict(
    type="ConfigurableDistiller",
    student_recorders=dict(
        stage4=dict(type="ModuleOutputs", source="backbone.layer4"),
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg"),
        # The loss's second argument is the label map, for the ignored pixels.
        labels=dict(type="ModuleInputs", source="decode_head.loss_decode"),
    ),
    teacher_recorders=dict(
        stage4=dict(type="ModuleOutputs", source="backbone.layer4"),
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg"),
    ),
    connectors=dict(lfd=dict(type="LFDConnector", in_channel=512, out_channel=2048)),
    distill_losses=dict(loss_lsfd=dict(type="LSFDLoss")),
    loss_forward_mappings=dict(
        loss_lsfd=dict(
            s_feature=dict(from_student=True, recorder="stage4", connector="lfd"),
            t_feature=dict(from_student=False, recorder="stage4"),
            preds_S=dict(from_student=True, recorder="logits"),
            preds_T=dict(from_student=False, recorder="logits"),
            gt=dict(from_student=True, recorder="labels", data_idx=1),
        )
    ),
)
