# LSFD: LFD, most where the predictions of teacher and student differ.
_base_ = "./lfd.py"

lfd = dict(
    student_recorders=dict(
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg"),
        # The loss's second argument is the label map, for the ignored pixels.
        labels=dict(type="ModuleInputs", source="decode_head.loss_decode"),
    ),
    teacher_recorders=dict(
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg")
    ),
    distill_losses=dict(loss_lfd=dict(attention="prob")),
    loss_forward_mappings=dict(
        loss_lfd=dict(
            preds_S=dict(from_student=True, recorder="logits"),
            preds_T=dict(from_student=False, recorder="logits"),
            gt=dict(from_student=True, recorder="labels", data_idx=1),
        )
    ),
)
