"""State dicts of a distillation that have no teacher in them."""

from torch import nn

__all__ = ["complete_state_dict", "leave_teacher_out"]

_STUDENT, _TEACHER = "architecture.", "teacher."


def leave_teacher_out(
    module: nn.Module, state: dict, prefix: str, local_metadata: dict
) -> None:
    """Take the teacher out, if its own checkpoint brings it back."""
    if not module.save_teacher:
        for key in [key for key in state if key.startswith(prefix + _TEACHER)]:
            del state[key]


def complete_state_dict(
    module: nn.Module, state: dict, prefix: str, *unused: object
) -> None:
    """Put a student under its prefix, and a teacher that was left out beside it."""
    for name in module.student.state_dict():
        if prefix + name in state:
            value = state.pop(prefix + name)
            state.setdefault(prefix + _STUDENT + name, value)
    if any(name.startswith(prefix + _TEACHER) for name in state):
        module.teacher_is_random = False
    if not module.save_teacher:
        for name, value in module.teacher.state_dict().items():
            state.setdefault(prefix + _TEACHER + name, value)
