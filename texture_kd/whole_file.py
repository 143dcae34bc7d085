"""Files that are written as a whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend


@contextmanager
def replaced(path: str | Path) -> Iterator[Path]:
    """Give a path to write to, whose file takes the place of another when it is whole.

    Args:
        path: of the file that is to be there in the end.
    """
    part = Path(f"{path}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


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
        with replaced(filepath) as part:
            super().put(obj, part)


register_backend("whole_file", WholeFileBackend, force=True)
