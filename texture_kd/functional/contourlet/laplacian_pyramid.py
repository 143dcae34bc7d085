r"""One level of the Laplacian pyramid (Burt and Adelson 1983), Eq. 1 of SSTKD."""

from typing import NamedTuple

from torch import Tensor

from .filter_bank import analyse, synthesise
from .filters import PyramidFilter, pyramid_taps
from .torus import as_coefficients, as_torus, check_padding, check_shapes, crop


class LaplacianBands(NamedTuple):
    """One level of a Laplacian pyramid.

    Attributes:
        low: low-pass image (N, C, H/2, W/2), with twice the mean of the input.
        high: band-pass image (N, C, H, W).
        size: height and width of the input, before it was padded to even sides.
    """

    low: Tensor
    high: Tensor
    size: tuple[int, int]


def laplacian_pyramid(x: Tensor, filter: PyramidFilter = "maxflat") -> LaplacianBands:
    r"""Split images into a low-pass of half the size and the rest (SSTKD, Eq. 1).

    With separable low-pass filters h and g, on the torus,

    .. math:: l = (h * x)\downarrow_2, \qquad d = x - g * (l\uparrow_2).

    Args:
        x: images (N, C, H, W) of any floating dtype, of any unit. An odd side is
            padded by one repetition of its last row or column.
        filter: pair of low-pass filters.

    Returns:
        ``low`` and ``high`` of the padded images, in float32 or, for float64 images,
        in float64. ``high`` has the padded size: crop what is rebuilt, not the band.

    Raises:
        ValueError: the filter is unknown, or ``x`` is no floating tensor (N, C, H, W).

    Example:
        >>> import torch
        >>> x = torch.rand(1, 1, 7, 10, dtype=torch.float64)
        >>> bands = laplacian_pyramid(x)
        >>> tuple(bands.low.shape), tuple(bands.high.shape)
        ((1, 1, 4, 5), (1, 1, 8, 10))
        >>> torch.allclose(inverse_laplacian_pyramid(bands), x)
        True
    """
    pyramid_taps(filter)
    torus = as_torus(x, 2)
    low = _reduce(torus, filter)
    high = torus - _expand(low, torus, filter)
    return LaplacianBands(low, high, (x.shape[-2], x.shape[-1]))


def inverse_laplacian_pyramid(
    bands: LaplacianBands, filter: PyramidFilter = "maxflat"
) -> Tensor:
    r"""Rebuild images from one level of their Laplacian pyramid.

    .. math:: x = d + g * (l - (h * d)\downarrow_2)\uparrow_2

    inverts :func:`laplacian_pyramid` exactly, and projects bands that come from no
    image onto those that do (Do and Vetterli 2003).

    Args:
        bands: ``low`` and ``high``, of any floating dtypes, and the size (H, W) to crop
            the result to.
        filter: pair of low-pass filters that made the bands.

    Returns:
        Images (N, C, H, W), in float32 or, for float64 bands, in float64.

    Raises:
        ValueError: the filter is unknown, or the bands do not fit each other.
    """
    pyramid_taps(filter)
    low, high = as_coefficients((bands.low, bands.high))
    if high.ndim != 4:
        raise ValueError(
            f"expected a band-pass image (N, C, H, W), got shape {tuple(high.shape)}"
        )
    *batch, height, width = high.shape
    check_padding((height, width), bands.size, 2)
    shapes = (*batch, height // 2, width // 2), high.shape
    check_shapes("low and high", (low, high), shapes)
    missing = low - _reduce(high, filter)
    return crop(high + _expand(missing, high, filter), bands.size)


def _reduce(x: Tensor, filter: PyramidFilter) -> Tensor:
    return analyse(x, (0,), filter, None, dual=False)[0]


def _expand(low: Tensor, like: Tensor, filter: PyramidFilter) -> Tensor:
    # The dual pyramid reduces by g read backwards, whose adjoint expands by g.
    return synthesise([low], like.shape, (0,), filter, None, dual=True)
