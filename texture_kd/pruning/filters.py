"""Soft filter pruning: which filters are set to zero, and how many."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from texture_kd.decode_heads import GuidedUpsampling
from texture_kd.functional.choices import check_choice

Schedule = Literal["constant", "asymptotic"]

# A residual block's shortcut has to keep the channels of what it is added to, and a
# classifier's are the classes.
_KEPT = ("downsample", "shortcut", "conv_seg")


def smallest_filters(weight: Tensor, rate: float) -> Tensor:
    """Choose the filters of smallest norm.

    Args:
        weight: of a convolution, (O, I, h, w).
        rate: share of the filters, from 0 up to but not including 1.

    Returns:
        Booleans (O), true for the floor(O rate) filters of smallest L2 norm.

    Raises:
        ValueError: the rate is out of range.
    """
    if not 0 <= rate < 1:
        raise ValueError(f"expected a pruning rate from 0 to below 1, got {rate}")
    norms = weight.detach().flatten(1).norm(dim=1)
    # Rounded, so that 0.29 of 100 is 29 and not the 28 of 28.999999999999996.
    count = math.floor(round(len(weight) * rate, 6))
    chosen = torch.zeros_like(norms, dtype=torch.bool)
    chosen[norms.argsort(stable=True)[:count]] = True
    return chosen


def pruning_rate(
    progress: float, rate: float, schedule: Schedule = "constant"
) -> float:
    r"""Return the rate of a moment of the training.

    - ``constant``: the rate itself.
    - ``asymptotic``: :math:`a e^{-kt} + b` through (0, 0), (1/8, 3/4 rate) and
      (1, rate), for a training of length 1.

    Args:
        progress: from 0 at the start to 1 at the end.
        rate: at the end.
        schedule: how it gets there.

    Returns:
        A rate from 0 to ``rate``.

    Raises:
        ValueError: the schedule is unknown or the progress is not from 0 to 1.
    """
    check_choice("schedule", schedule, get_args(Schedule))
    if not 0 <= progress <= 1:
        raise ValueError(f"expected a progress from 0 to 1, got {progress}")
    if schedule == "constant":
        return rate
    # With x = exp(-k / 8): (1 - x) / (1 - x^8) = 3/4, a contraction near 1/4.
    x = 0.25
    for _ in range(10):
        x = 1 - 0.75 * (1 - x**8)
    return rate * (1 - x ** (8 * progress)) / (1 - x**8)


def prunable_convolutions(
    network: nn.Module, encoder: float, decoder: float
) -> dict[str, float]:
    """List the convolutions of a segmentor with their rates.

    Shortcuts, classifiers and grouped convolutions keep all of their filters; auxiliary
    heads, which nobody deploys, keep everything.

    Args:
        network: with a ``backbone``, a ``decode_head`` and perhaps a ``neck``.
        encoder: rate of the backbone's.
        decoder: rate of the others'.

    Returns:
        Rates by name of the module.

    Raises:
        ValueError: there is none, or they could not be removed.
    """
    check_unguided(network)
    rates = dict(backbone=encoder, neck=decoder, decode_head=decoder)
    found = {
        name: rates[name.split(".")[0]]
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d)
        and module.groups == 1
        and name.split(".")[0] in rates
        and not any(part in _KEPT for part in name.split("."))
    }
    if not found:
        raise ValueError(
            f"{type(network).__name__} has no convolutions under 'backbone', 'neck' or "
            "'decode_head' to prune"
        )
    return found


def check_unguided(network: nn.Module) -> None:
    """See to it that MMRazor can follow a network's channels to each other.

    Args:
        network: any.

    Raises:
        ValueError: it multiplies channels by a guidance's, which MMRazor takes for
            channels of their own.
    """
    for name, module in network.named_modules():
        if isinstance(module, GuidedUpsampling):
            raise ValueError(
                f"{name} is a GuidedUpsampling, and MMRazor cannot follow channels "
                "through it: no filter could be removed. Leave it out, duc=None"
            )


@torch.no_grad()
def zero_filters(convolution: nn.Conv2d, rate: float) -> None:
    """Set the smallest filters of a convolution to zero, and their biases.

    Args:
        convolution: its weights are changed; they go on learning.
        rate: share of its filters.

    Raises:
        ValueError: the rate is out of range.
    """
    _clear(convolution, smallest_filters(convolution.weight, rate))


def zeroed(convolution: nn.Conv2d) -> Tensor:
    """Return booleans (O), true for the filters that are zero throughout."""
    return ~convolution.weight.detach().flatten(1).any(1)


@torch.no_grad()
def silence(convolution: nn.Conv2d, norm: nn.Module | None) -> None:
    """Make the zeroed filters of a convolution give zeros after its norm too.

    A norm still adds its bias to what a zeroed filter gives. Its slope goes as well: so
    long as it is there the filter may come back, which is why this belongs at the end.

    Args:
        convolution: its biases are changed.
        norm: what follows it, or None.
    """
    filters = zeroed(convolution)
    _clear(convolution, filters)
    if norm is not None and norm.affine:
        norm.weight[filters] = 0
        norm.bias[filters] = 0


@contextmanager
def following_norms(network: nn.Module) -> Iterator[dict[str, _BatchNorm]]:
    """Find out which batch norm takes what each convolution gives.

    Args:
        network: forward passes within the context tell.

    Yields:
        Norms by name of the convolution; filled within.
    """
    found: dict[str, _BatchNorm] = {}
    last: list = ["", None]

    def remember(name: str, output: Tensor) -> None:
        last[:] = name, output

    def match(norm: _BatchNorm, inputs: tuple) -> None:
        if inputs[0] is last[1]:
            found[last[0]] = norm

    handles = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            handles.append(
                module.register_forward_hook(
                    lambda _, __, output, name=name: remember(name, output)
                )
            )
        elif isinstance(module, _BatchNorm):
            handles.append(module.register_forward_pre_hook(match))
    try:
        yield found
    finally:
        last[1] = None
        for handle in handles:
            handle.remove()


def _clear(convolution: nn.Conv2d, filters: Tensor) -> None:
    convolution.weight[filters] = 0
    if convolution.bias is not None:
        convolution.bias[filters] = 0
