"""A validation or a test of two batches, and how long all of it will take."""

import bisect
from typing import NamedTuple

from mmengine.runner import BaseLoop, EpochBasedTrainLoop
from torch import nn

from texture_kd.analysis.clock import now
from texture_kd.analysis.described import Row, duration

__all__ = ["TriedLoop", "try_loop", "validations"]


class TriedLoop(NamedTuple):
    """What was seen of a loop.

    Attributes:
        images: that the loop goes through.
        seconds: each takes, without reading it.
    """

    images: int
    seconds: float

    def row(self, times: int) -> Row:
        """Return the row of a table.

        Args:
            times: how often a training validates.
        """
        return (
            "validation",
            f"of {self.images} images, {times} times, without data",
            f"{duration(self.seconds * self.images * times)}, {self.seconds:.3f} s an "
            "image",
        )


def try_loop(model: nn.Module, loop: BaseLoop, batches: int) -> TriedLoop:
    """Predict some batches of a loop, and evaluate them.

    Args:
        model: that predicts.
        loop: of a validation or a test.
        batches: how many; the last is timed.

    Raises:
        ValueError: there are no images.
    """
    model.eval()
    device = next(model.parameters()).device
    count, seconds = 0, 0.0
    for index, batch in zip(range(batches), loop.dataloader, strict=False):
        started = now(device)
        loop.run_iter(index, batch)
        seconds = (now(device) - started) / len(batch["inputs"])
        count += len(batch["inputs"])
    if count == 0:
        raise ValueError("the data set has no images")
    loop.evaluator.evaluate(count)
    return TriedLoop(len(loop.dataloader.dataset), seconds)


def validations(loop: BaseLoop) -> int:
    """Count how often a training validates.

    Args:
        loop: of the training, by iterations or epochs, before it has begun.
    """
    epochs = isinstance(loop, EpochBasedTrainLoop)
    length = loop.max_epochs if epochs else loop.max_iters
    return sum(
        step >= loop.val_begin and (step % _interval(loop, step) == 0 or step == length)
        for step in range(1, length + 1)
    )


def _interval(loop: BaseLoop, step: int) -> int:
    """Return the interval of validations that holds when a step is done."""
    return loop.dynamic_intervals[bisect.bisect(loop.dynamic_milestones, step + 1) - 1]
