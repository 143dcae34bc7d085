"""Logs what an iteration costs, whatever else the machine does."""

import time
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

__all__ = ["CPUTimeHook"]


class CPUTimeHook(Hook):
    """Log as ``cpu_time`` the seconds of CPU that an iteration takes of its process.

    User and system time of all threads, from when the images are there to when the
    weights are updated. Work beside a training makes it slower, and leaves this nearly
    as it is. Workers of the data loader are processes of their own and not in it.
    """

    def __init__(self) -> None:
        self._start = 0.0

    def before_train_iter(self, *_: Any, **__: Any) -> None:
        """Start the clock."""
        self._start = time.process_time()

    def after_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        """Put the time where the logger finds it."""
        elapsed = time.process_time() - self._start
        runner.message_hub.update_scalar("train/cpu_time", elapsed)
