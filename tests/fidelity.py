"""Whether a loss's gradient describes the loss."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Fidelity(NamedTuple):
    """What a gradient promises, and what becomes of it.

    Attributes:
        ratios: actual over predicted decrease for a step along minus the gradient, for
            each relative size of the step; 1 is right.
        cosine: of the angle between the gradient and that of features rounded to
            bfloat16.
    """

    ratios: tuple[float, ...]
    cosine: float


def fidelity(
    loss: Callable[..., Tensor],
    features: Sequence[Tensor],
    steps: Sequence[float] = (1e-4, 1e-3),
) -> Fidelity:
    """Measure how a loss's gradient describes it.

    Args:
        loss: gives a scalar of the features, the same each time.
        features: what it is derived by, all together; in float64, or rounding is most
            of what a small step changes.
        steps: sizes of the steps, relative to the features' length.
    """
    value, gradients = _gradient(loss, features)
    slope, length = _length(gradients), _length(features)
    ratios = []
    for size in steps:
        step = size * length / slope
        with torch.no_grad():
            pairs = zip(features, gradients, strict=True)
            moved = loss(*(x.detach() - step * g for x, g in pairs))
        ratios.append(((value - moved) / (step * slope**2)).item())
    _, rounded = _gradient(loss, [x.bfloat16().to(x.dtype) for x in features])
    dot = sum((a * b).sum() for a, b in zip(gradients, rounded, strict=True))
    return Fidelity(tuple(ratios), (dot / slope / _length(rounded)).item())


def _gradient(
    loss: Callable[..., Tensor], features: Sequence[Tensor]
) -> tuple[Tensor, Sequence[Tensor]]:
    leaves = [x.detach().requires_grad_() for x in features]
    value = loss(*leaves)
    return value.detach(), torch.autograd.grad(value, leaves)


def _length(tensors: Sequence[Tensor]) -> Tensor:
    return sum(x.detach().square().sum() for x in tensors).sqrt()
