"""A recorder whose hooks are idle but within its context."""

from mmrazor.models.task_modules.recorder.base_recorder import BaseRecorder

__all__ = ["SwitchedRecorder"]


class SwitchedRecorder(BaseRecorder):
    """Record while its context is on, as a subclass's hooks see by ``_recording``.

    Args:
        source: what the log calls it.
    """

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._recording = False

    def __enter__(self) -> None:
        """Start to record."""
        super().__enter__()
        self._recording = True

    def __exit__(self, *exception: object) -> None:
        """Stop to record."""
        super().__exit__(*exception)
        self._recording = False
