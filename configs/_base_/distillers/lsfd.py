# LSFD: LFD, most where the predictions of teacher and student differ.
_base_ = "./lfd.py"

lfd = dict(
    student_recorders=dict(
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg"),
        labels=dict(type="GroundTruth", source="gt_sem_seg"),
    ),
    teacher_recorders=dict(
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg")
    ),
    distill_losses=dict(loss_lfd=dict(attention="prob")),
    loss_forward_mappings=dict(
        loss_lfd=dict(
            preds_S=dict(from_student=True, recorder="logits"),
            preds_T=dict(from_student=False, recorder="logits"),
            gt=dict(from_student=True, recorder="labels"),
        )
    ),
)
