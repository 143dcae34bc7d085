# Channel-wise distillation with the weight and temperature of MMRazor's own config. Without
# padding the loss is MMRazor's ChannelWiseDivergence.
cwd = dict(
    type="ConfigurableDistiller",
    student_recorders=dict(
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg"),
        valid=dict(type="ValidArea"),
    ),
    teacher_recorders=dict(
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg")
    ),
    distill_losses=dict(loss_cwd=dict(type="CWDLoss", loss_weight=5.0)),
    loss_forward_mappings=dict(
        loss_cwd=dict(
            preds_S=dict(from_student=True, recorder="logits"),
            preds_T=dict(from_student=False, recorder="logits"),
            valid=dict(from_student=True, recorder="valid"),
        )
    ),
)
