"""Ends a training whose loss is no number any more."""

import math
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

__all__ = ["FiniteLossHook"]


class FiniteLossHook(Hook):
    """Raise when the loss has not been finite for two iterations.

    Its weights are lost by then, and would take the place of sound checkpoints one by
    one. A single iteration may overflow in float16, and is skipped by the loss scale.
    The losses are those that MMEngine logs: no value is waited for besides.
    """

    def __init__(self) -> None:
        self._before = True

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Look at the loss of the iteration.

        Raises:
            ValueError: it is infinite or NaN, and was so before.
        """
        scalars = runner.message_hub.log_scalars
        if "train/loss" not in scalars:
            return
        finite = math.isfinite(scalars["train/loss"].current())
        if not finite and not self._before:
            broken = [
                name
                for name in outputs or {}
                if "loss" in name
                and not math.isfinite(scalars[f"train/{name}"].current())
            ]
            raise ValueError(
                f"Iteration {runner.iter + 1}: {', '.join(broken)} is infinite or NaN, "
                "as in the iteration before. The last sound checkpoint is in "
                f"{runner.work_dir}. A smaller learning rate, loss weight or "
                "teacher_dtype=None may help."
            )
        self._before = finite
