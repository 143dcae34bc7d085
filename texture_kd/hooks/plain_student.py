"""Checkpoints of a distillation that plain MMSegmentation loads."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

__all__ = ["PlainStudentHook"]

_STUDENT = "architecture."


class PlainStudentHook(Hook):
    """Write the student's weights under their own names as well.

    MMRazor keeps them under ``architecture.``, and its converter looks for them there.
    With both names a checkpoint also loads in plain MMSegmentation as it is. The two
    share their storage, which is written once.
    """

    # Last: an EMA hook puts its own weights into the checkpoint before.
    priority = "LOWEST"

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the plain names to the state dict that is written."""
        state = checkpoint["state_dict"]
        for key in [key for key in state if key.startswith(_STUDENT)]:
            state[key[len(_STUDENT) :]] = state[key]
