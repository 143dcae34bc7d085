"""Scalars whose gradients are computed before anybody asks for them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from texture_kd.functional.precision import without_autocast

__all__ = ["graph_of_its_own", "with_known_gradient"]


@contextmanager
def graph_of_its_own() -> Iterator[None]:
    """Record a graph for gradients, wherever this stands.

    In a block whose activations are checkpointed there is no gradient, or what is kept
    for one would be computed again with the block.
    """
    kept = torch.autograd.graph.saved_tensors_hooks(_itself, _itself)
    with torch.enable_grad(), kept:
        yield


def _itself(x: Tensor) -> Tensor:
    return x


def with_known_gradient(
    value: Tensor, pairs: Sequence[tuple[Tensor, Tensor]]
) -> Tensor:
    """Return a scalar without its graph, whose gradient is computed now.

    What the graph holds is given up, and a gradient of the size of each tensor is kept
    in its place. There are no second derivatives.

    Args:
        value: the scalar.
        pairs: tensors to differentiate by, each with the leaf that stands for it in
            the scalar's graph, which may be the tensor itself.

    Returns:
        A scalar of the same value. ``value`` itself if it depends on no leaf.
    """
    if not value.requires_grad:
        return value
    with without_autocast(value.device):
        gradients = torch.autograd.grad(
            value, [leaf for _, leaf in pairs], allow_unused=True
        )
    reached = [
        (tensor, gradient)
        for (tensor, _), gradient in zip(pairs, gradients, strict=True)
        if gradient is not None
    ]
    if not reached:
        return value
    tensors, gradients = zip(*reached, strict=True)
    return _KnownGradient.apply(value.detach(), len(tensors), *tensors, *gradients)


class _KnownGradient(torch.autograd.Function):
    """Pass on gradients that were computed before."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, count: int, *tensors: Tensor) -> Tensor:
        ctx.save_for_backward(*tensors[count:])
        return value.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, factor: Tensor) -> tuple[Tensor | None, ...]:
        gradients = ctx.saved_tensors
        nothing = [None] * len(gradients)
        return None, None, *(factor * gradient for gradient in gradients), *nothing
