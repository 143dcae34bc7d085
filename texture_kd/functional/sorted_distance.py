"""The distance between sorted values: what separates two distributions."""

import torch
from torch import Tensor

from .region_pixels import slots
from .regions import Regions


def sorted_distance(
    student: Tensor, target: Tensor, regions: Regions, target_regions: Regions
) -> Tensor:
    r"""Compare the distributions of values in regions (Wasserstein-2, squared).

    .. math::

        W_2^2 = \frac{1}{P} \sum_{j=1}^{P} (S_{(j)} - T_{(j)})^2

    where :math:`S_{(j)}` is the j-th smallest of a region's P values. On a line, no
    other pairing of the values has a smaller mean square. Where pixels stand makes no
    difference. It is what equalised histograms (SSTKD, Eq. 4) would compare with a
    level for each pixel, and its gradient says what a step changes: a value moves
    towards that of its rank.

    A region of the student with another number of pixels gives its quantiles at the
    target's ranks, linearly between its sorted values.

    Args:
        student: values (S,) of the pixels of ``regions``, of any unit, float32 or
            float64.
        target: values (T,) of the pixels of ``target_regions``; no gradient flows into
            them.
        regions: regions of the student.
        target_regions: as many regions of the target, or the same.

    Returns:
        The mean over the regions that have pixels on both sides, in the unit squared; 0
        where there are none. Nothing is waited for.

    Raises:
        ValueError: the values are not those of the regions' pixels.

    Example:
        >>> import torch
        >>> from texture_kd.functional import whole_maps
        >>> regions = whole_maps(torch.zeros(1, 1, 1, 3))
        >>> s, t = torch.tensor([0.0, 2.0, 1.0]), torch.tensor([1.0, 0.0, 4.0])
        >>> round(sorted_distance(s, t, regions, regions).item(), 4)
        1.3333
    """
    for name, values, of in (
        ("student's", student, regions),
        ("target's", target, target_regions),
    ):
        if values.shape != of.region.shape or not values.is_floating_point():
            raise ValueError(
                f"expected the {name} values ({len(of.region)},) of the regions' "
                f"pixels, got {values.dtype} with shape {tuple(values.shape)}"
            )
    length = max(regions.largest, target_regions.largest)
    rows = [
        _padded(student, regions, length),
        _padded(target.detach(), target_regions, length),
    ]
    student, target = torch.cat(rows).sort(1).values.chunk(2)
    counts = target_regions.counts
    if regions is not target_regions:
        student = _quantiles(student, regions.counts, counts)
    compared = (regions.counts > 0) & (counts > 0)
    rank = torch.arange(length, device=student.device)
    counted = (rank < counts[:, None]) & compared[:, None]
    squares = (student - target).masked_fill(~counted, 0).square()
    means = squares.sum(1) / counts.clamp_min(1)
    return means.sum() / compared.sum().clamp_min(1)


def _padded(values: Tensor, regions: Regions, length: int) -> Tensor:
    """Put the values of each region into a row (R, length) of its own."""
    # A NaN is the last of the sorted ones, and hides none of the region's own.
    rows = values.new_full((len(regions.counts), length), torch.nan)
    index = slots(regions._replace(largest=length))
    return rows.flatten().index_copy(0, index, values).view_as(rows)


def _quantiles(rows: Tensor, counts: Tensor, wanted: Tensor) -> Tensor:
    """Return the quantiles of sorted rows at the middles of as many ranks as wanted."""
    rank = torch.arange(rows.shape[1], device=rows.device).to(rows.dtype)
    counts = counts[:, None]
    place = (rank + 0.5) * counts / wanted.clamp_min(1)[:, None] - 0.5
    last = (counts - 1).clamp_min(0)
    place = torch.minimum(place.clamp_min(0), last.to(rows.dtype))
    low = place.long()
    first = rows.gather(1, low)
    second = rows.gather(1, torch.minimum(low + 1, last))
    return torch.lerp(first, second, place - low)
