"""Reads the logs that MMEngine writes while it trains."""

import json
import math
from collections.abc import Collection, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

_TAIL = 15
# A time in the log is a mean over so many iterations: MMEngine's default.
_WINDOW = 10


class Figures(NamedTuple):
    """What a log says of a finished training; memory is a GPU's, in MiB."""

    score: float
    others: dict[str, float]
    seconds: float
    memory: float | None


def read_figures(
    folder: Path, iters: int, metric: str, also: Sequence[str] = ()
) -> Figures:
    """Read the figures of a training that came to its end.

    Args:
        folder: its folder, with the logs of all its processes if it was resumed.
        iters: its iterations.
        metric: the name of the score.
        also: names of other metrics.

    Raises:
        ValueError: it diverged, or did not reach its end, or has no such metric.
    """
    logs = _logs(folder)
    check_loss(logs[-1] if logs else [])
    for name in (metric, *also):
        if not _validated(logs, iters, name):
            raise ValueError(f"Its log has no {name} at iteration {iters}.")
    lines = [line for log in logs for line in log]
    last = [line for line in lines if metric in line][-1]
    memory = [line["memory"] for line in lines if "memory" in line]
    others = {name: last[name] for name in also}
    return Figures(last[metric], others, _seconds(logs), max(memory, default=None))


def check_loss(log: Sequence[dict]) -> None:
    """Check that all losses of a log are finite.

    Raises:
        ValueError: one is not.
    """
    for line in log:
        if not math.isfinite(line.get("loss", 0)):
            raise ValueError(f"The loss is {line['loss']} at iteration {line['step']}.")


def find_logs(folder: Path) -> list[Path]:
    """Return the log of each process that trained in a folder, oldest first."""
    return sorted(folder.glob("*/vis_data/scalars.json"))


def newest_log(folder: Path, earlier: Collection[Path] = ()) -> list[dict]:
    """Return the lines of the newest log, none if that is one of the earlier logs."""
    paths = [path for path in find_logs(folder) if path not in earlier]
    return _read(paths[-1]) if paths else []


def validated(folder: Path, iters: int, metric: str) -> bool:
    """Whether the network was validated at the last iteration."""
    return _validated(_logs(folder), iters, metric)


def tail(path: Path) -> str:
    """Return the last lines of what a training printed."""
    text = path.read_text(errors="replace", encoding="utf-8") if path.exists() else ""
    return "\n".join(text.splitlines()[-_TAIL:])


def _validated(logs: Sequence[Sequence[dict]], iters: int, metric: str) -> bool:
    return any(metric in line and line["step"] == iters for log in logs for line in log)


def _seconds(logs: Sequence[Sequence[dict]]) -> float:
    """Return the median cost of an iteration.

    It is the time on a GPU, and otherwise seconds of the CPU, if the log has them, so
    that other work beside a training does not count. The first figure of a process
    holds the start of the data loader's workers. The lines that it went into count only
    if there are no others.
    """
    trained = [[line for line in log if "loss" in line] for log in logs]
    lines = [line for log in trained for line in log]
    on_cpu = all("cpu_time" in line and "memory" not in line for line in lines)
    cost = "cpu_time" if on_cpu else "time"
    steady = [
        line[cost]
        for log in trained
        for line in log
        if line["step"] >= log[0]["step"] + _WINDOW
    ]
    return median(steady or [line[cost] for line in lines])


def _logs(folder: Path) -> list[list[dict]]:
    return [_read(path) for path in find_logs(folder)]


def _read(path: Path) -> list[dict]:
    # The last line may be half written yet.
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines()]
