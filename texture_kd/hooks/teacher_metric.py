"""Tests the teacher as the student is tested."""

from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner, autocast
from mmseg.models import BaseSegmentor
from torch import nn

from texture_kd.hooks.trained_network import unwrapped

__all__ = ["TeacherMetricHook"]


class TeacherMetricHook(Hook):
    """Log the teacher's metrics beside the student's at each validation.

    The teacher is frozen, and so it is tested once, at the first validation. Its
    metrics are logged as ``teacher.mIoU`` and so on, and the student's as
    ``student.mIoU`` beside MMEngine's own ``mIoU``. A teacher far from what it should
    reach was loaded from the wrong file, or sees other images than it was trained on.

    A teacher that is no segmentor of the student's classes, or has no ``test_cfg``, is
    not tested, nor is one whose predictions a metric would write over the student's.
    """

    def __init__(self) -> None:
        self._metrics: dict[str, Any] | None = None

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, Any] | None = None
    ) -> None:
        """Put the metrics of both where the logger finds them."""
        model = unwrapped(runner)
        if not _can_be_tested(runner, model):
            return
        if self._metrics is None:
            print_log("The teacher's metrics:", logger="current")
            self._metrics = _tested(runner, model)
        for side, values in (("teacher", self._metrics), ("student", metrics or {})):
            for name, value in values.items():
                if isinstance(value, int | float | np.number):
                    runner.message_hub.update_scalar(f"val/{side}.{name}", value)


def _can_be_tested(runner: Runner, model: nn.Module) -> bool:
    networks = [getattr(model, side, None) for side in ("teacher", "student")]
    return (
        all(
            isinstance(network, BaseSegmentor) and getattr(network, "test_cfg", None)
            for network in networks
        )
        and len({getattr(network, "num_classes", None) for network in networks}) == 1
        and not any(
            getattr(metric, "output_dir", None)
            for metric in runner.val_loop.evaluator.metrics
        )
    )


@torch.no_grad()
def _tested(runner: Runner, model: nn.Module) -> dict[str, Any]:
    loop = runner.val_loop
    for batch in loop.dataloader:
        data = model.data_preprocessor(batch, False)
        with autocast(enabled=loop.fp16):
            found = model.teacher(**data, mode="predict")
        loop.evaluator.process(data_samples=found, data_batch=batch)
    return loop.evaluator.evaluate(len(loop.dataloader.dataset))
