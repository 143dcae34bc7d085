r"""Quantisation of intensities into levels: Eq. 4 of SSTKD.

A level catches the intensities in a window around it. Windows overlap and leave gaps,
but the ends and centres of all windows cut the line into cells in which each window is
a straight line: what is needed of the pixels is their cell, and no matrix of levels by
pixels.
"""

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from texture_kd.functional.precision import without_autocast

Kernel = Literal["intensity", "triangle"]

# Levels' shares of a pixel that sum up to less than this are those of no level.
_SMALLEST = 1e-6


class Levels(NamedTuple):
    """Levels of quantisation of several rows of pixels.

    Attributes:
        centres: levels L_n (R, N), ascending, in the unit of the intensities.
        half_widths: half the width of each level's window, (R, N), in the same unit.
    """

    centres: Tensor
    half_widths: Tensor


def uniform_levels(minimum: Tensor, maximum: Tensor, count: int) -> Levels:
    r"""Space levels evenly (SSTKD, Eq. 4).

    .. math::

        L_n = \frac{max - min}{N} n + min, \quad n \in [1, N]

    The windows are 0.5/N to each side, whatever the range: they meet, without gaps or
    overlaps, where it is 1.

    Args:
        minimum: least intensity (R,) of each row.
        maximum: greatest intensity (R,) of each row.
        count: N, at least 1.

    Returns:
        Levels (R, N).

    Raises:
        ValueError: ``count`` is below 1.
    """
    if count < 1:
        raise ValueError(f"expected at least one level, got {count}")
    n = torch.arange(1, count + 1, dtype=minimum.dtype, device=minimum.device)
    centres = minimum[:, None] + (maximum - minimum)[:, None] / count * n
    return Levels(centres, torch.full_like(centres, 0.5 / count))


def quantize(intensity: Tensor, levels: Levels, kernel: Kernel = "intensity") -> Tensor:
    r"""Quantise intensities, as the matrix of the definition (SSTKD, Eq. 4).

    .. math::

        E_i^n = 1 - q_n |L_n - S_i| \quad \text{if}
            \; -h_n \le L_n - S_i < h_n, \text{ else } 0

    with q_n = 1 for the kernel ``intensity``, the paper's, and 1/h_n for ``triangle``,
    which is continuous. :func:`count_levels` and :func:`mix_levels` give what the
    matrix is for, without it. Unlike them it hides a NaN, in no level, and passes
    gradients into the levels.

    Args:
        intensity: S (R, P).
        levels: L and h, (R, N) each.
        kernel: shape of the windows.

    Returns:
        E (R, N, P).

    Raises:
        ValueError: the kernel is unknown or the rows differ in number.

    Example:
        >>> import torch
        >>> levels = uniform_levels(torch.zeros(1), torch.ones(1), 4)
        >>> levels.centres.tolist()
        [[0.25, 0.5, 0.75, 1.0]]
        >>> quantize(torch.tensor([[0.5, 0.625, 1.0]]), levels)[0].tolist()
        [[0.0, 0.0, 0.0], [1.0, 0.875, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    _check(intensity, levels, kernel)
    distance = levels.centres[..., None] - intensity[:, None]
    width = levels.half_widths[..., None]
    caught = (-width <= distance) & (distance < width)
    slope = _slope(levels, kernel)[..., None]
    return torch.where(caught, 1 - slope * distance.abs(), 0)


def count_levels(
    intensity: Tensor,
    levels: Levels,
    kernel: Kernel = "intensity",
    counted: Tensor | None = None,
) -> Tensor:
    r"""Count the pixels of each level, E^n = sum_i E_i^n (SSTKD, Eq. 4).

    It takes O((N + P) log N) operations: number and sum of the pixels up to each edge
    of a window are all that is needed. They are summed in float64. The derivative is
    that of E, and at a level itself that from below.

    Args:
        intensity: S (R, P).
        levels: L and h, (R, N) each; no gradient flows into them.
        kernel: shape of the windows.
        counted: which pixels (R, P) count, booleans; all by default.

    Returns:
        Counts (R, N), as many as pixels at most, with the dtype of ``intensity``.

    Raises:
        ValueError: the kernel is unknown or the rows differ in number.

    Example:
        >>> import torch
        >>> levels = uniform_levels(torch.zeros(1), torch.ones(1), 4)
        >>> count_levels(torch.tensor([[0.5, 0.625, 1.0]]), levels).tolist()
        [[0.0, 1.875, 0.0, 1.0]]
    """
    _check(intensity, levels, kernel)
    levels = Levels(*(tensor.detach() for tensor in levels))
    edges, order = _edges(levels).sort(1)
    cells = _cells(intensity, edges)
    values = intensity.double()
    ones = torch.ones_like(values)
    if counted is not None:
        values, ones = values.where(counted, 0), ones.where(counted, 0)
    empty = values.new_zeros(len(edges), edges.shape[1] + 1)
    number = empty.scatter_add(1, cells, ones).cumsum(1)
    total = empty.scatter_add(1, cells, values).cumsum(1)
    ranks = order.argsort(1)
    (n_left, n_centre, n_right), (t_left, t_centre, t_right) = (
        sums.gather(1, ranks).chunk(3, dim=1) for sums in (number, total)
    )
    slope, centre = _slope(levels, kernel).double(), levels.centres.double()
    distances = (
        centre * (n_centre - n_left)
        - (t_centre - t_left)
        + (t_right - t_centre)
        - centre * (n_right - n_centre)
    )
    counts = n_right - n_left - slope * distances
    # A NaN is in no window, and shall be seen in all.
    return (counts + 0 * total[:, -1:]).to(intensity.dtype)


def mix_levels(
    values: Tensor, intensity: Tensor, levels: Levels, slots: Tensor | None = None
) -> Tensor:
    r"""Give each pixel the values of the levels that caught it, in their shares.

    .. math::

        Y_i = \sum_n V^n \frac{E_i^n}{\max(\sum_m E_i^m, 10^{-6})}

    with the paper's kernel: the triangle's shares are as steep as they please where
    two windows end. Shares keep the size of the result as a pixel crosses the edge of a
    window, where the number of its levels jumps. A pixel that no level caught gets 0.

    Args:
        values: V (R, D, N), the D values of each level.
        intensity: S (R, P).
        levels: L and h, (R, N) each; no gradient flows into them.
        slots: the pixels (T,) that are wanted, P r + p for the p-th of row r; all by
            default.

    Returns:
        Y (T, D), of all pixels (R P, D).

    Raises:
        ValueError: the rows differ in number.
    """
    _check(intensity, levels, "intensity")
    levels = Levels(*(tensor.detach() for tensor in levels))
    edges, order = _edges(levels).sort(1)
    starts, slopes = _lines(levels, edges, order.argsort(1))
    cells = _cells(intensity, edges)
    # From the edge below, so that nothing cancels.
    offset = intensity - edges.gather(1, (cells - 1).clamp_min(0))
    first = starts.shape[1] * torch.arange(len(cells), device=cells.device)
    cells, offset = (cells + first[:, None]).flatten(), offset.flatten()
    if slots is not None:
        cells, offset = cells.index_select(0, slots), offset.index_select(0, slots)

    def on_the_line(start: Tensor, slope: Tensor) -> Tensor:
        start, slope = (x.flatten(0, 1).index_select(0, cells) for x in (start, slope))
        return start + slope * offset[:, None]

    total = on_the_line(starts.sum(2, keepdim=True), slopes.sum(2, keepdim=True))
    with without_autocast(values.device):
        mixed = on_the_line(starts @ values.mT, slopes @ values.mT)
    return mixed / total.clamp_min(_SMALLEST)


def _check(intensity: Tensor, levels: Levels, kernel: Kernel) -> None:
    if kernel not in get_args(Kernel):
        raise ValueError(f"expected a kernel among {get_args(Kernel)}, got {kernel!r}")
    if intensity.ndim != 2 or len(intensity) != len(levels.centres):
        raise ValueError(
            f"expected intensities ({len(levels.centres)}, P), one row for each of the "
            f"levels, got shape {tuple(intensity.shape)}"
        )


def _slope(levels: Levels, kernel: Kernel) -> Tensor:
    if kernel == "triangle":
        return 1 / levels.half_widths
    return torch.ones_like(levels.half_widths)


def _edges(levels: Levels) -> Tensor:
    """Return the left edge, the centre and the right edge (R, 3N) of each window."""
    centres, half_widths = levels
    return torch.cat([centres - half_widths, centres, centres + half_widths], 1)


def _cells(intensity: Tensor, edges: Tensor) -> Tensor:
    """Return the cell (R, P) of each pixel: edge k-1 < S <= edge k."""
    return torch.searchsorted(edges, intensity.detach().contiguous())


def _lines(levels: Levels, edges: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """Return each window at the edge below each cell (R, 3N+1, N), and its slope."""
    left, centre, right = (rank[:, None] for rank in ranks.chunk(3, dim=1))
    cell = torch.arange(edges.shape[1] + 1, device=edges.device)[:, None]
    below = (left < cell) & (cell <= centre)
    above = (centre < cell) & (cell <= right)
    start = torch.cat([edges[:, :1], edges], 1)[..., None]
    value = 1 - (levels.centres[:, None] - start).abs()
    slope = below.to(value.dtype) - above.to(value.dtype)
    return torch.where(below | above, value, 0), slope
