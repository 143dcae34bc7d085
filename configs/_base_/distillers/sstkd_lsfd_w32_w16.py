# SSTKD's terms between PSPNet-R18 at half and at a quarter of its width, and LSFD's
# beside them.
_base_ = ["./sstkd_w32_w16.py", "./lsfd_w32_w16.py"]

_stage4 = dict(type="ModuleOutputs", source="backbone.layer4")
sstkd = dict(
    student_recorders=dict(stage4=_stage4),
    teacher_recorders=dict(stage4=_stage4),
    connectors=_base_.lfd.connectors,
    distill_losses=dict(loss_lfd=_base_.lfd.distill_losses.loss_lfd),
    loss_forward_mappings=dict(loss_lfd=_base_.lfd.loss_forward_mappings.loss_lfd),
)
