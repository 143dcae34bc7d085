# Texture, and beside it CWD, the response and the statistical term with the weights that
# they have elsewhere, for suites that take some of them out.
_base_ = ["./texture_w64_w16.py", "./cwd.py", "./sstkd_w64_w16.py"]

_names = ("loss_response", "loss_statistical")
texture = dict(
    student_recorders=_base_.sstkd.student_recorders,
    teacher_recorders=_base_.sstkd.teacher_recorders,
    distill_losses=dict(
        loss_cwd=_base_.cwd.distill_losses.loss_cwd,
        **{name: _base_.sstkd.distill_losses[name] for name in _names},
    ),
    loss_forward_mappings=dict(
        loss_cwd=_base_.cwd.loss_forward_mappings.loss_cwd,
        **{name: _base_.sstkd.loss_forward_mappings[name] for name in _names},
    ),
)
