"""What a distillation's config leaves out or says twice, and no error names."""

from collections.abc import Sequence

from mmengine.hooks import Hook
from torch import Tensor, nn

from texture_kd.hooks import PlainStudentHook

__all__ = ["missing_hooks", "overruled_preparation"]

# What MMSegmentation's and MMDetection's data preprocessors do to images.
_PREPARATION = (
    "mean",
    "std",
    "channel_conversion",
    "size",
    "size_divisor",
    "pad_size_divisor",
    "pad_val",
    "pad_value",
    "seg_pad_val",
)


def missing_hooks(hooks: Sequence[Hook]) -> list[str]:
    """Say that a distillation's checkpoints would not load in plain MMSegmentation.

    Args:
        hooks: all of the training's.

    Returns:
        A sentence where ``PlainStudentHook`` is not among them, and else none.
    """
    if any(isinstance(hook, PlainStudentHook) for hook in hooks):
        return []
    return [
        "the training has no PlainStudentHook, so that plain MMSegmentation will load "
        "its checkpoints with no more than a warning and test a random student; write "
        'custom_hooks = [dict(type="texture_kd.PlainStudentHook")] in the config, or '
        "add it to those that are there"
    ]


def overruled_preparation(training: nn.Module, student: nn.Module) -> list[str]:
    """Say what the student's data preprocessor has otherwise than the training's.

    The runner gives a distillation the config's top-level ``data_preprocessor``, and
    then nothing of ``model.architecture.data_preprocessor`` is used.

    Args:
        training: data preprocessor of the distillation, which is run.
        student: that of the student, which is not.

    Returns:
        A sentence for each option that the student's has and the training's has with
        another value.
    """
    found = []
    for name in _PREPARATION:
        ours, theirs = (_plain(getattr(p, name, None)) for p in (training, student))
        if theirs is not None and theirs != ours:
            found.append(
                f"model.architecture.data_preprocessor has {name}={theirs}, which is "
                f"not used: the training's own data_preprocessor has {name}={ours}. "
                "Give both the same, the config's top-level data_preprocessor and "
                "the student's"
            )
    return found


def _plain(value: object) -> object:
    """Return what can be compared and read."""
    if isinstance(value, Tensor):
        return value.flatten().tolist()
    return tuple(value) if isinstance(value, list | tuple) else value
