"""Estimates how long the distillation benchmark still takes."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import NamedTuple

from distill_run import Key, Results
from distill_suite import STUDENT


class Running(NamedTuple):
    """A training that is running: for how many seconds, and which part is done."""

    key: Key
    seconds: float
    part: float


def remaining(
    running: Sequence[Running], pending: Sequence[Key], results: Results, jobs: int
) -> float | None:
    """Estimate the seconds that are left.

    Args:
        running: the trainings that are running.
        pending: those that are to be started.
        results: those that are done.
        jobs: how many run at once.

    Returns:
        The estimate, None while nothing is known.
    """
    walls = {key: result.wall for key, result in results.items() if result.wall}
    walls |= {run.key: run.seconds / run.part for run in running if run.part > 0}
    if not walls:
        return None
    left = [max(0.0, expected_wall(run.key, walls) - run.seconds) for run in running]
    left += [expected_wall(key, walls) for key in pending]
    return sum(left) / jobs


def expected_wall(key: Key, walls: Mapping[Key, float]) -> float:
    """Estimate how long a training takes from the time that others took.

    These are, as far as they are known, the same row with other seeds; for a training
    at equal cost the student; or all.
    """
    if key in walls:
        return walls[key]
    alike = [key, Key(STUDENT, key.seed)] if key.equal_cost else [key]
    for other in alike:
        known = [
            wall
            for found, wall in walls.items()
            if (found.row, found.equal_cost) == (other.row, other.equal_cost)
        ]
        if known:
            return mean(known)
    return mean(walls.values())


def duration(seconds: float) -> str:
    """Format a time, roughly."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
