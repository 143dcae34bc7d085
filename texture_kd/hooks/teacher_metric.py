"""Tests the teacher as the student is tested."""

from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

__all__ = ["TeacherMetricHook"]


class TeacherMetricHook(Hook):
    """Log the teacher's metrics beside the student's at each validation.

    The teacher is frozen, and so it is tested once, at the first validation. Its
    metrics are logged as ``teacher.mIoU`` and so on, and the student's as
    ``student.mIoU`` beside MMEngine's own ``mIoU``. A teacher far from what it should
    reach was loaded from the wrong file, or sees other images than it was trained on.
    """

    def __init__(self) -> None:
        self._metrics: dict[str, Any] | None = None

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, Any] | None = None
    ) -> None:
        """Put the metrics of both where the logger finds them."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if not hasattr(model, "teacher"):
            return
        if self._metrics is None:
            print_log("The teacher's metrics:", logger="current")
            self._metrics = _tested(runner, model)
        for side, values in (("teacher", self._metrics), ("student", metrics or {})):
            for name, value in values.items():
                if not isinstance(value, int | float | np.number):
                    continue
                runner.message_hub.update_scalar(f"val/{side}.{name}", value)


@torch.no_grad()
def _tested(runner: Runner, model: torch.nn.Module) -> dict[str, Any]:
    loader, evaluator = runner.val_loop.dataloader, runner.val_loop.evaluator
    for batch in loader:
        data = model.data_preprocessor(batch, False)
        found = model.teacher(**data, mode="predict")
        evaluator.process(data_samples=found, data_batch=batch)
    return evaluator.evaluate(len(loader.dataset))
