"""What goes wrong in OpenMMLab, in a sentence."""

import re
import traceback
from pathlib import Path

from texture_kd import faults
from texture_kd.faults import ALSO

__all__ = ["sentence", "words"]

# Of each fault.
_LONGEST = 1500

# What functions of OpenMMLab mean that say something else.
_MEANT = {
    "_serialize_data": "a data set has no images: look at its data_root, data_prefix, "
    "img_suffix and ann_file"
}


def sentence(error: BaseException) -> str:
    """Say in one sentence what an exception says, and where it was raised."""
    said = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    if said.startswith("Caught ") and "worker process" in said:
        return _of_a_worker(said)
    said = " ".join(said.split("\n\n")[0].split())
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return f"{type(error).__name__}: {_short(said)}"
    last = frames[-1]
    said = _MEANT.get(last.name) or said or last.line
    # What was collected was raised elsewhere.
    collected = last.filename == faults.__file__
    place = "" if collected else f" ({_place(last.filename, last.lineno)})"
    return f"{type(error).__name__}: {_short(said)}{place}"


def words(error: BaseException) -> str:
    """Say what a ValueError says, which is made to be read, and the rest with its kind.

    Args:
        error: that a part of a config has raised.
    """
    return str(error) if isinstance(error, ValueError) else sentence(error)


def _short(said: str) -> str:
    """Keep the beginning and the end of each fault that is more than a sentence.

    A config in the words of an error has kilobytes.
    """
    return ALSO.join(
        fault
        if len(fault) <= _LONGEST
        else f"{fault[: _LONGEST * 2 // 3]} ... {fault[-_LONGEST // 3 :]}"
        for fault in said.split(ALSO)
    )


def _of_a_worker(said: str) -> str:
    """Say the last of what a data loader's worker printed, traceback and all."""
    frames = re.findall(r'File "([^"]+)", line (\d+)', said)
    lines = [line for line in said.splitlines() if line and not line.startswith(" ")]
    return f"{_short(lines[-1])} ({_place(*frames[-1])})"


def _place(filename: str, line: int | str | None) -> str:
    return f"{'/'.join(Path(filename).parts[-3:])}, line {line}"
