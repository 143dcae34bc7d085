"""How large losses are, and how strongly each pulls at the student."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

__all__ = ["TASK", "Loss", "loss_scale", "measured_losses", "not_finite", "said_of"]

TASK = "the student's own losses"
DISTILLED = "distill."


class Loss(NamedTuple):
    """A loss in the first iteration.

    Attributes:
        value: what is added to the training's loss.
        gradient: norm of its gradient at the student's parameters.
    """

    value: float
    gradient: float


def measured_losses(
    model: nn.Module, losses: Mapping[str, Tensor | list[Tensor]], scale: float
) -> dict[str, Loss]:
    """Measure what a training adds up.

    Args:
        model: that is trained, a distillation with its ``student`` or a network.
        losses: what its forward pass has returned.
        scale: what mixed precision multiplies losses with.

    Returns:
        By name the losses, and the sum of the student's own where there are others.
    """
    summed = {name: _total(value) for name, value in losses.items() if "loss" in name}
    own = [v for name, v in summed.items() if not name.startswith(DISTILLED)]
    if own and len(own) < len(summed):
        summed[TASK] = sum(own)
    return {
        name: Loss(value.item(), _gradient(model, value, scale))
        for name, value in summed.items()
    }


def not_finite(losses: Mapping[str, Loss], scale: float) -> list[str]:
    """Return the names of losses that are infinite or NaN, as are their slopes.

    Slopes that a loss scale makes infinite are not: the scale will fall.

    Args:
        losses: what was measured.
        scale: as for :func:`measured_losses`.
    """
    return [
        name
        for name, loss in losses.items()
        if not math.isfinite(loss.value)
        or (scale == 1 and not math.isfinite(loss.gradient))
    ]


def said_of(loss: Loss, task: Loss | None) -> str:
    """Say how large a loss is.

    Args:
        loss: that was measured.
        task: the sum of the student's own losses, where there is one.
    """
    said = f"{loss.value:.4g}, gradient at the student {loss.gradient:.3g}"
    if task is None or task is loss or not task.gradient:
        return said
    return f"{said}, {loss.gradient / task.gradient:.2g} of its own losses'"


def loss_scale(optimizer: OptimWrapper | OptimWrapperDict) -> float:
    """Return what mixed precision multiplies losses with.

    Args:
        optimizer: of the training.
    """
    if isinstance(optimizer, OptimWrapperDict):
        return max(loss_scale(wrapper) for wrapper in optimizer.values())
    scaler = getattr(optimizer, "loss_scaler", None)
    return scaler.get_scale() if scaler is not None and scaler.is_enabled() else 1.0


def _total(value: Tensor | list[Tensor]) -> Tensor:
    """Add up a loss as MMEngine does."""
    parts = [value] if isinstance(value, Tensor) else value
    return sum(part.mean() for part in parts)


def _gradient(model: nn.Module, value: Tensor, scale: float) -> float:
    if not value.requires_grad:
        return 0.0
    # Not torch.autograd.grad, which checkpointed activations refuse. What half
    # precision would lose is scaled as in the training.
    (value * scale).backward(retain_graph=True)
    student = getattr(model, "student", model)
    norms = [
        p.grad.float().norm() / scale
        for p in student.parameters()
        if p.grad is not None
    ]
    model.zero_grad(set_to_none=True)
    return torch.stack(norms).norm().item() if norms else 0.0
