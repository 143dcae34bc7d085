# SSTKD's terms, and LSFD's beside them.
_base_ = ["./sstkd.py", "./lsfd.py"]

_stage4 = dict(type="ModuleOutputs", source="backbone.layer4")
sstkd = dict(
    student_recorders=dict(stage4=_stage4),
    teacher_recorders=dict(stage4=_stage4),
    connectors=_base_.lsfd.connectors,
    distill_losses=dict(loss_lsfd=_base_.lsfd.distill_losses.loss_lsfd),
    loss_forward_mappings=dict(loss_lsfd=_base_.lsfd.loss_forward_mappings.loss_lsfd),
)
