"""Channels of features or bands, brought to one mean and one variance."""

import torch
from torch import Tensor

from texture_kd.functional.valid_area import valid_only

# A channel weaker than this share of the rms of all channels counts as empty.
_FLOOR = 1e-3
# The least variance, below which all channels count as empty.
_WEAKEST = 1e-8


def standardise(x: Tensor, area: Tensor | None = None) -> Tensor:
    """Bring each channel to mean 0 and variance 1 over images and valid positions.

    A channel whose rms is below a thousandth of the rms of all channels, or below 1e-4,
    counts as empty and is not blown up.

    Args:
        x: features (N, C, H, W) or bands (N, C, B, H, W) of any floating dtype and
            unit. Each of the B bands is on its own.
        area: booleans (N, 1, H, W), as :func:`~texture_kd.functional.valid_area`
            returns them, or None where all positions are valid.

    Returns:
        The same shape, without unit, in float32 at least; 0 outside the valid area.
        What stands there has no influence and no gradient, be it infinite.

    Raises:
        ValueError: ``x`` has another number of dimensions, or the area another shape.

    Example:
        >>> import torch
        >>> x = torch.tensor([1.0, 3.0, 70.0]).reshape(1, 1, 1, 3)
        >>> standardise(x, x < 5).flatten().tolist()
        [-1.0, 1.0, 0.0]
    """
    if x.ndim not in (4, 5):
        raise ValueError(
            "expected features (N, C, H, W) or bands (N, C, B, H, W), got shape "
            f"{tuple(x.shape)}"
        )
    shape = (len(x), 1, *x.shape[-2:])
    if area is not None and tuple(area.shape) != shape:
        raise ValueError(
            f"expected an area {shape} for {tuple(x.shape)}, got shape "
            f"{tuple(area.shape)}: bring it there by valid_area"
        )
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    x, variance = _centred(x) if area is None else _centred_within(x, area)
    level = variance.detach().mean(1, keepdim=True)
    floor = (_FLOOR**2 * level).clamp_min(_WEAKEST)
    return x * variance.maximum(floor).rsqrt()


def _centred(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return deviations from the channels' means, and the channels' variances."""
    over = (0, -2, -1)
    x = x - x.mean(over, keepdim=True)
    return x, x.square().mean(over, keepdim=True)


def _centred_within(x: Tensor, area: Tensor) -> tuple[Tensor, Tensor]:
    """Do the same over an area; deviations outside it are 0."""
    over = (0, -2, -1)
    count = area.sum().clamp_min(1)
    mean = valid_only(x, area).sum(over, keepdim=True) / count
    x = valid_only(x - mean, area)
    return x, x.square().sum(over, keepdim=True) / count
