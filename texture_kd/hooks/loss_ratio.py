"""Logs how large the losses of a distillation are beside the student's own."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

__all__ = ["LossRatioHook"]

_STUDENT, _DISTILLED = "student.", "distill."


class LossRatioHook(Hook):
    """Log each distillation loss as a multiple of the sum of the student's own losses.

    The losses are those that MMEngine logs: no value is waited for besides. They appear
    as ``distill.ratio_NAME`` where the loss is ``distill.loss_NAME``. How
    strongly a loss pulls is said by its gradient, which ``tools/train.py --check``
    shows.
    """

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Put the ratios where the logger finds them."""
        scalars = runner.message_hub.log_scalars
        losses = {
            name: scalars[f"train/{name}"].current()
            for name in outputs or {}
            if "loss" in name and f"train/{name}" in scalars
        }
        own = sum(v for name, v in losses.items() if name.startswith(_STUDENT))
        for name, value in losses.items():
            if own and name.startswith(_DISTILLED):
                ratio = name.replace("loss", "ratio", 1)
                runner.message_hub.update_scalar(f"train/{ratio}", value / own)
