"""Files that are written as a whole or not at all."""

import os
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend


class WholeFileBackend(LocalBackend):
    """MMEngine's local files, without halves of them.

    A training that is killed while it writes a checkpoint, or whose disk is full,
    leaves the checkpoints that were there and no broken one.

    .. code-block:: python

        default_hooks = dict(
            checkpoint=dict(
                type="CheckpointHook", backend_args=dict(backend="whole_file")
            )
        )
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file.

        Args:
            obj: its content.
            filepath: its path, whose folder is made.

        Raises:
            OSError: it cannot be written; what was there is left.
        """
        part = Path(f"{filepath}.part")
        try:
            super().put(obj, part)
            os.replace(part, filepath)
        finally:
            part.unlink(missing_ok=True)


register_backend("whole_file", WholeFileBackend, force=True)
