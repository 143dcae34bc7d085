"""Levels that follow the statistics: the heuristic initialisation of SSTKD's DTIEM.

Over-quantise into twice as many cells as levels are wanted, split the cells into a
rarely and an often used group, and quantise each group anew.
"""

import torch
from torch import Tensor

from .quantization import Levels
from .regions import half_up


def heuristic_levels(
    intensity: Tensor,
    count: int = 50,
    alpha: float = 0.3,
    delta: float | None = None,
    steps: int = 1,
    counted: Tensor | None = None,
) -> Levels:
    """Choose levels for intensities in [0, 1] (SSTKD, section 3.3).

    Each step over-quantises (:func:`count_cells`) and quantises again
    (:func:`requantize_levels`): the first from 2N uniform cells, a later one from those
    of the levels before, each the points that are nearest to a level, cut in two there.

    Args:
        intensity: S' (R, P), from 0 to 1.
        count: number N of levels.
        alpha: share of the levels that the rarely used cells get, from 0 to 1.
        delta: share of the pixels from which on a cell is often used; 1/(2N) by
            default, that of a uniform distribution.
        steps: t, how often this is done.
        counted: which pixels (R, P) count, booleans; all by default.

    Returns:
        Levels (R, N) with the dtype of ``intensity``; no gradient flows through them.

    Raises:
        ValueError: ``count`` or ``steps`` is below 1, or ``alpha`` not a share.
    """
    if steps < 1:
        raise ValueError(f"expected at least one step, got {steps}")
    if count < 1:
        raise ValueError(f"expected at least one level, got {count}")
    edges = torch.arange(2 * count + 1, device=intensity.device).double() / (2 * count)
    edges = edges.expand(len(intensity), -1)
    for _ in range(steps):
        counts = count_cells(intensity, edges, counted)
        levels = requantize_levels(counts, edges, alpha, delta)
        edges = _voronoi_edges(levels.centres)
    return Levels(*(tensor.to(intensity.dtype) for tensor in levels))


def count_cells(
    intensity: Tensor, edges: Tensor, counted: Tensor | None = None
) -> Tensor:
    """Count the pixels in each cell, less for those far from its centre (SSTKD, Eq. 4).

    A pixel in lo < S <= hi counts 1 - abs(centre - S); what is not above the first edge
    is in the first cell, and what is above the last one in the last.

    Args:
        intensity: S (R, P).
        edges: ascending edges (R, K + 1) of K cells.
        counted: which pixels (R, P) count, booleans; all by default.

    Returns:
        Counts (R, K) in float64.
    """
    intensity = intensity.detach().to(edges.dtype)
    cells = torch.searchsorted(edges[:, 1:-1].contiguous(), intensity.contiguous())
    centres = (edges[:, 1:] + edges[:, :-1]) / 2
    weights = 1 - (centres.gather(1, cells) - intensity).abs()
    if counted is not None:
        weights = weights.where(counted, 0)
    counts = torch.zeros_like(centres, dtype=torch.float64)
    return counts.scatter_add_(1, cells, weights.double())


def requantize_levels(
    counts: Tensor, edges: Tensor, alpha: float = 0.3, delta: float | None = None
) -> Levels:
    """Quantise the rarely and the often used cells apart (SSTKD, section 3.3).

    The cells with a share of the counts below delta get half_up(alpha N) levels, and
    the others the rest; an empty group leaves its levels to the other. In a group of m
    cells, level j of n is at u = (j + 0.5) m / n: in its floor(u)-th cell, as far from
    the cell's lower edge as the fraction of u says. Its window is widened to 0.5/n to
    each side, "replacing N by its current group levels number".

    Args:
        counts: counts (R, 2N) of the cells. Where all are zero their shares are equal.
        edges: ascending edges (R, 2N + 1) of the cells.
        alpha: share of the levels that the rarely used cells get, from 0 to 1.
        delta: share of the counts from which on a cell is often used; 1/(2N) by
            default. Equality counts as often.

    Returns:
        Levels (R, N) in float64, ascending; of equal ones those of rarely used cells
        come first.

    Raises:
        ValueError: there is no even number of counts, ``edges`` has another shape than
            expected, or ``alpha`` is not a share.
    """
    rows, cells = counts.shape
    if cells % 2 or cells == 0:
        raise ValueError(f"expected counts of 2N cells, got {cells}")
    if edges.shape != (rows, cells + 1):
        raise ValueError(
            f"expected edges of shape {(rows, cells + 1)}, got {tuple(edges.shape)}"
        )
    if not 0 <= alpha <= 1:
        raise ValueError(f"expected alpha from 0 to 1, got {alpha}")
    often = _shares(counts) >= (1 / cells if delta is None else delta)
    # The cells of each group in a row, the rarely used ones first.
    order = often.long().argsort(dim=1, stable=True)
    rare_cells = (~often).sum(1, keepdim=True)
    rare_levels = _rare_levels(rare_cells, cells, alpha)

    level = torch.arange(cells // 2, device=counts.device)
    rare = level < rare_levels
    rank = torch.where(rare, level, level - rare_levels)
    group_levels = torch.where(rare, rare_levels, cells // 2 - rare_levels)
    group_cells = torch.where(rare, rare_cells, cells - rare_cells)
    # In whole numbers, as u is often whole, and a level may jump there.
    place, divisor = (2 * rank + 1) * group_cells, 2 * group_levels
    first = torch.where(rare, 0, rare_cells)
    cell = order.gather(1, first + place // divisor)
    edges = edges.double()
    lower, upper = edges.gather(1, cell), edges.gather(1, cell + 1)
    centres = lower + (place % divisor).double() / divisor * (upper - lower)
    centres, order = centres.sort(dim=1, stable=True)
    return Levels(centres, (0.5 / group_levels.double()).gather(1, order))


def _shares(counts: Tensor) -> Tensor:
    counts = counts.double()
    total = counts.sum(1, keepdim=True)
    return torch.where(total > 0, counts / total, 1 / counts.shape[1])


def _rare_levels(rare_cells: Tensor, cells: int, alpha: float) -> Tensor:
    levels = cells // 2
    wanted = torch.full_like(rare_cells, half_up(alpha * levels))
    wanted = wanted.where(rare_cells > 0, 0)
    return wanted.where(rare_cells < cells, levels)


def _voronoi_edges(centres: Tensor) -> Tensor:
    """Return the edges (R, 2N + 1) of what is nearest to N levels, cut at each."""
    middles = (centres[:, 1:] + centres[:, :-1]) / 2
    ends = centres.new_zeros(len(centres), 1), centres.new_ones(len(centres), 1)
    edges = torch.stack([centres, torch.cat([middles, ends[1]], 1)], 2).flatten(1)
    return torch.cat([ends[0], edges], 1)
