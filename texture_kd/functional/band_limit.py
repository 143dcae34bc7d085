r"""Maps on smaller grids, and what such a grid can hold."""

import math
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from texture_kd.functional.precision import without_autocast

from .choices import check_choice

BandLimit = Literal["bilinear", "area", "fourier"]


def band_limit(
    x: Tensor,
    size: tuple[int, int],
    mode: BandLimit = "bilinear",
    align_corners: bool = False,
) -> Tensor:
    """Truncate maps to a smaller grid (Sec. 3.2 of the spectral analysis).

    - ``bilinear``: interpolation between the nearest four samples, as the paper's
      networks do; nothing is smoothed before, so that high frequencies fold over.
    - ``area``: the mean over each cell.
    - ``fourier``: :func:`fourier_resample`, the low frequencies and nothing else.

    Args:
        x: maps (N, C, H, W) of any floating dtype.
        size: height and width of the grid, at most those of the maps. At their own size
            the maps are returned as they are.
        mode: how.
        align_corners: for ``bilinear``, PyTorch's: whether the outermost samples of
            both grids lie on each other. From 129 to 65 every second sample is taken.

    Returns:
        (N, C, h, w).

    Raises:
        ValueError: the mode is unknown or takes no ``align_corners``, the maps are not
            four-dimensional, or the grid is empty or larger than they are.

    Example:
        >>> import torch
        >>> x = torch.arange(5.0).expand(1, 1, 3, 5)
        >>> band_limit(x, (2, 3), align_corners=True)[0, 0].tolist()
        [[0.0, 2.0, 4.0], [0.0, 2.0, 4.0]]
    """
    check_choice("mode", mode, get_args(BandLimit))
    if align_corners and mode != "bilinear":
        raise ValueError(
            f"align_corners is for mode='bilinear', not {mode!r}: set it to False"
        )
    if x.ndim != 4:
        raise ValueError(f"expected maps (N, C, H, W), got shape {tuple(x.shape)}")
    own = tuple(x.shape[-2:])
    if any(not 1 <= n <= m for n, m in zip(size, own, strict=True)):
        raise ValueError(
            f"a grid of {tuple(size)} is empty or larger than the map of {own} that is "
            "to be truncated to it: take a smaller one"
        )
    if own == tuple(size):
        return x
    if mode == "fourier":
        return fourier_resample(x, size)
    if mode == "area":
        return F.interpolate(x, size, mode="area")
    return F.interpolate(x, size, mode="bilinear", align_corners=align_corners)


def fourier_resample(x: Tensor, size: tuple[int, int], centred: bool = True) -> Tensor:
    r"""Bring maps to another grid by their spectra, which are cropped or padded.

    Along each axis from n to m samples, the frequencies up to
    (min(n, m) - 1) // 2 periods stay; the one of an even grid that is neither positive
    nor negative goes. The maps are taken for periodic: what is cut off at one edge
    shows at the opposite one. Means stay as they are.

    Args:
        x: maps (..., H, W) of any floating dtype.
        size: height and width (h, w) of the grid, smaller or larger. Along an axis of
            this size already nothing is done.
        centred: whether the samples lie in the middle of their cells, as they do for
            PyTorch with ``align_corners=False``; or else the first samples of both
            grids coincide. Either way a map that is cropped and padded again is
            low-pass filtered, :func:`low_pass`.

    Returns:
        (..., h, w).

    Raises:
        ValueError: the grid or a map is empty.
    """
    if min(*size, *x.shape[-2:]) < 1:
        raise ValueError(
            f"cannot resample maps of {tuple(x.shape[-2:])} to {tuple(size)}: empty"
        )
    return _along_both(x, [_resampling(n, m, centred) for n, m in _axes(x, size)])


def low_pass(x: Tensor, limit: int) -> Tensor:
    r"""Keep the frequencies with max(\|f_y\|, \|f_x\|) up to a limit (Eq. 13).

    Args:
        x: maps (..., H, W) of any floating dtype, taken for periodic.
        limit: in periods a map. What a grid of 2 limit + 1 samples along each axis can
            hold.

    Returns:
        Maps of the same size.

    Raises:
        ValueError: the limit is negative.
    """
    if limit < 0:
        raise ValueError(f"expected a limit of at least 0, got {limit}")
    return _along_both(x, [_low_pass(n, limit) for n in x.shape[-2:]])


# A separable linear map of a few hundred samples is quickest as two matrices. So it
# exports to ONNX too, and knows half precision, as no transform does.


def _axes(x: Tensor, size: tuple[int, int]) -> list[tuple[int, int]]:
    return list(zip(x.shape[-2:], size, strict=True))


def _along_both(x: Tensor, matrices: list[Tensor | None]) -> Tensor:
    rows, columns = (m if m is None else m.to(x) for m in matrices)
    with without_autocast(x.device):
        if columns is not None:
            x = x @ columns.transpose(-2, -1)
        return x if rows is None else rows @ x


def _resampling(n: int, m: int, centred: bool) -> Tensor | None:
    """Return the matrix (m, n) from n to m samples, None if there is nothing to do."""
    if n == m:
        return None
    first = (n / m - 1) / 2 if centred else 0.0
    positions = torch.arange(m, dtype=torch.float64) * (n / m) + first
    return _interpolation(positions, n, (min(n, m) - 1) // 2)


def _low_pass(n: int, limit: int) -> Tensor | None:
    if 2 * limit >= n - 1:
        return None
    return _interpolation(torch.arange(n, dtype=torch.float64), n, limit)


def _interpolation(positions: Tensor, n: int, limit: int) -> Tensor:
    """Return the values at positions of what n samples have up to a frequency."""
    frequencies = torch.arange(1, limit + 1, dtype=torch.float64)
    samples = torch.arange(n, dtype=torch.float64)
    to, at = (
        2 * math.pi / n * (places[:, None] * frequencies).remainder(n)
        for places in (positions, samples)
    )
    # cos(to - at), without a third axis
    waves = to.cos() @ at.cos().T + to.sin() @ at.sin().T
    return (1 + 2 * waves) / n
