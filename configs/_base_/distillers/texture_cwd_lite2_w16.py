# Texture of all stages, and channel-wise distillation of the logits beside it.
_base_ = ["./texture_lite2_w16.py", "./cwd_lite2_w16.py"]

texture = dict(
    student_recorders=_base_.cwd.student_recorders,
    teacher_recorders=_base_.cwd.teacher_recorders,
    connectors=_base_.cwd.connectors,
    distill_losses=_base_.cwd.distill_losses,
    loss_forward_mappings=_base_.cwd.loss_forward_mappings,
)
