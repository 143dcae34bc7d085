"""A training of another length."""

import copy
from typing import Any

from mmengine.config import Config

from texture_kd.compose.configs import listed

__all__ = ["of_length"]

# What counts iterations in MMEngine's schedulers.
_COUNTS = ("begin", "end", "step_size", "T_max", "total_steps", "milestones", "periods")


def of_length(config: Config, iterations: int) -> Config:
    """Return a training that takes so many iterations, its schedule scaled with them.

    It is validated and saved as often as before, and once at its end if it is shorter.

    Args:
        config: of a training that counts iterations.
        iterations: how many, at least 1.

    Raises:
        ValueError: it counts epochs, or there are too few iterations.
    """
    if iterations < 1:
        raise ValueError(f"expected at least 1 iteration, got {iterations}")
    config = copy.deepcopy(config)
    loop = config.get("train_cfg") or {}
    if "max_iters" not in loop:
        raise ValueError(
            "a training that counts epochs, or says no length, has no number of "
            "iterations to change: leave out --iterations"
        )
    factor = iterations / loop["max_iters"]
    loop["max_iters"] = iterations
    if "val_interval" in loop:
        loop["val_interval"] = min(loop["val_interval"], iterations)
    for scheduler in listed(config.get("param_scheduler")):
        for name in _COUNTS:
            if scheduler.get(name):
                scheduler[name] = _scaled(scheduler[name], factor)
    checkpoint = (config.get("default_hooks") or {}).get("checkpoint") or {}
    if checkpoint.get("interval"):
        checkpoint["interval"] = min(checkpoint["interval"], iterations)
    return config


def _scaled(length: Any, factor: float) -> Any:
    if isinstance(length, (list, tuple)):
        return type(length)(_scaled(item, factor) for item in length)
    return max(1, round(length * factor))
