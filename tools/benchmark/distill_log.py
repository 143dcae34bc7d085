"""Reads the logs that MMEngine writes while it trains."""

import json
import math
from pathlib import Path
from statistics import median
from typing import NamedTuple

_TAIL = 15


class Figures(NamedTuple):
    """What a log says of a finished training; memory is a GPU's, in MiB."""

    miou: float
    seconds: float
    memory: float | None


def read_figures(folder: Path, iters: int) -> Figures:
    """Read the figures of a training that came to its end.

    Args:
        folder: its folder, with the logs of all its processes if it was resumed.
        iters: its iterations.

    Raises:
        ValueError: it diverged, or did not reach its end.
    """
    check_loss(folder)
    if not validated(folder, iters):
        raise ValueError(f"Its log has no mIoU at iteration {iters}.")
    logs = _logs(folder)
    lines = [line for log in logs for line in log]
    miou = [line["mIoU"] for line in lines if "mIoU" in line][-1]
    memory = [line["memory"] for line in lines if "memory" in line]
    # A log's first line holds the start of the data loader's workers.
    trained = [[line["time"] for line in log if "loss" in line] for log in logs]
    seconds = [time for log in trained for time in (log[1:] or log)]
    return Figures(miou, median(seconds), max(memory, default=None))


def check_loss(folder: Path) -> None:
    """Check that the newest losses are finite.

    Raises:
        ValueError: one is not.
    """
    for line in _last_log(folder):
        if not math.isfinite(line.get("loss", 0)):
            raise ValueError(f"The loss is {line['loss']} at iteration {line['step']}.")


def last_iteration(folder: Path) -> int:
    """Return the last iteration in the newest log."""
    return max((line["step"] for line in _last_log(folder)), default=0)


def validated(folder: Path, iters: int) -> bool:
    """Whether the network was validated at the last iteration."""
    return any(
        "mIoU" in line and line["step"] == iters
        for log in _logs(folder)
        for line in log
    )


def tail(path: Path) -> str:
    """Return the last lines of what a training printed."""
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(text.splitlines()[-_TAIL:])


def _last_log(folder: Path) -> list[dict]:
    return (_logs(folder) or [[]])[-1]


def _logs(folder: Path) -> list[list[dict]]:
    """Return the lines of each process's log, oldest first."""
    logs = []
    for path in sorted(folder.glob("*/vis_data/scalars.json")):
        # The last line may be half written yet.
        whole = path.read_text().rpartition("\n")[0]
        logs.append([json.loads(line) for line in whole.splitlines()])
    return logs
