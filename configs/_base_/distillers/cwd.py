# MMRazor's channel-wise distillation with the weight and temperature of its own config.
cwd = dict(
    type="ConfigurableDistiller",
    student_recorders=dict(
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg")
    ),
    teacher_recorders=dict(
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg")
    ),
    distill_losses=dict(
        loss_cwd=dict(type="ChannelWiseDivergence", tau=1, loss_weight=5)
    ),
    loss_forward_mappings=dict(
        loss_cwd=dict(
            preds_S=dict(from_student=True, recorder="logits"),
            preds_T=dict(from_student=False, recorder="logits"),
        )
    ),
)
