"""What is computed of the pixels of regions of all shapes, one after another.

Features of pixels are rows (T, C), in the order of
:class:`~texture_kd.functional.Regions`.
"""

import math

import torch
from torch import Tensor

from .regions import Regions

# Variances are taken to be this much greater.
_LEAST_VARIANCE = 1e-5


def cut_regions(x: Tensor, regions: Regions) -> Tensor:
    """Cut regions out of maps, exactly.

    Args:
        x: maps (B, C, H, W) of any dtype.
        regions: regions of maps of this size.

    Returns:
        Rows (T, C).

    Raises:
        ValueError: the regions are of maps of another size.
    """
    if x.ndim != 4 or tuple(x.shape[2:]) != regions.size:
        raise ValueError(
            f"expected maps (B, C, {regions.size[0]}, {regions.size[1]}), as the "
            f"regions are of, got shape {tuple(x.shape)}"
        )
    rows = x.permute(0, 2, 3, 1).flatten(0, 2)
    return rows.index_select(0, regions.position)


def region_means(rows: Tensor, regions: Regions) -> Tensor:
    """Return the mean (R, C) of the pixels of each region.

    Args:
        rows: values (T, C), float32 or float64.
        regions: whose pixels they are; the mean of one without pixels is 0.

    Raises:
        ValueError: the rows are not those of the regions' pixels.
    """
    check_rows(rows, regions)
    # Added up one after another, thousands of pixels lose digits, and on a GPU wait
    # for each other: as many sums as pixels in each are added up last.
    sums = math.isqrt(regions.largest)
    part = regions.region * sums + regions.place % sums
    total = rows.new_zeros(len(regions.counts) * sums, rows.shape[1])
    total = total.index_add(0, part, rows).unflatten(0, (-1, sums)).sum(1)
    return total / regions.counts.clamp_min(1)[:, None]


def check_rows(rows: Tensor, regions: Regions) -> None:
    """Refuse what are not floating point rows (T, C) of the regions' pixels."""
    pixels = len(regions.region)
    if rows.ndim != 2 or len(rows) != pixels or not rows.is_floating_point():
        raise ValueError(
            f"expected floating point rows ({pixels}, C) of the regions' pixels, got "
            f"{rows.dtype} with shape {tuple(rows.shape)}"
        )


def of_regions(values: Tensor, regions: Regions) -> Tensor:
    """Give each pixel the values (T, ...) of its region, (R, ...)."""
    return values.index_select(0, regions.region)


def standardised(rows: Tensor, regions: Regions) -> Tensor:
    """Bring each channel of each region to mean 0 and variance 1.

    A constant channel gives 0.

    Args:
        rows: values (T, C), float32 or float64.
        regions: whose pixels they are.

    Returns:
        The same, standardised.
    """
    # Of what the first pixel lacks nothing is left of constants, and of offsets.
    rows = rows - of_regions(first_rows(rows, regions), regions)
    deviation = rows - of_regions(region_means(rows, regions), regions)
    variance = region_means(deviation.square(), regions)
    return deviation * of_regions((variance + _LEAST_VARIANCE).rsqrt(), regions)


def side_by_side(values: Tensor, regions: Regions) -> Tensor:
    """Put the pixels of each region into a row of its own.

    Args:
        values: a number (T,) of each pixel.
        regions: whose pixels they are.

    Returns:
        (R, P) with P pixels of the largest region; behind its own pixels a region has
        copies of its first one, which pass no gradient.
    """
    first = first_rows(values, regions)
    filled = first[:, None].expand(-1, regions.largest).flatten()
    return filled.index_copy(0, slots(regions), values).unflatten(
        0, (-1, regions.largest)
    )


def first_rows(rows: Tensor, regions: Regions) -> Tensor:
    """Return what (R, ...) the first pixel of each region has, without a gradient."""
    if not len(rows):
        return rows.new_zeros(len(regions.counts), *rows.shape[1:])
    first = regions.counts.cumsum(0) - regions.counts
    # Regions without pixels may stand at the end.
    return rows.detach()[first.clamp_max(len(rows) - 1)]


def slots(regions: Regions) -> Tensor:
    """Return where (T,) each pixel stands in what :func:`side_by_side` returns."""
    return regions.region * regions.largest + regions.place


def on_grid(rows: Tensor, regions: Regions, target: Regions) -> Tensor:
    """Resize each region to the height and width that it has elsewhere, bilinearly.

    A pixel of its box that is not among its pixels counts as the region's mean.

    Args:
        rows: values (T, C).
        regions: whose pixels they are.
        target: as many regions of other maps.

    Returns:
        Values (T', C) at the pixels of ``target``, as
        :func:`torch.nn.functional.interpolate` has them without ``align_corners``.
    """
    if regions is target:
        return rows
    boxes, target_boxes = (of_regions(r.boxes, target) for r in (regions, target))
    old, new = (box[:, 2:] - box[:, :2] for box in (boxes, target_boxes))
    pixel = _rows_and_columns(target) - target_boxes[:, :2]
    # Of the centres of pixels, those at the edges repeated beyond it.
    point = ((pixel.to(rows.dtype) + 0.5) * old / new - 0.5).clamp_min(0)
    low = point.long()
    high = torch.minimum(low + 1, old - 1)
    part = point - low
    means = of_regions(region_means(rows, regions), target)
    places = _places(regions)
    images = of_regions(regions.images, target)
    total = 0
    for y, in_y in ((low[:, 0], 1 - part[:, 0]), (high[:, 0], part[:, 0])):
        for x, in_x in ((low[:, 1], 1 - part[:, 1]), (high[:, 1], part[:, 1])):
            row = images * regions.size[0] + boxes[:, 0] + y
            position = row * regions.size[1] + boxes[:, 1] + x
            wanted = _keys(target.region, position, regions)
            index = torch.searchsorted(places, wanted).clamp_max(len(places) - 1)
            found = (places[index] == wanted)[:, None]
            seen = torch.where(found, rows.index_select(0, index), means)
            total = total + seen * (in_y * in_x)[:, None]
    return total


def _rows_and_columns(regions: Regions) -> Tensor:
    """Return row and column (T, 2) of each pixel in its map."""
    height, width = regions.size
    rows = regions.position // width % height
    return torch.stack([rows, regions.position % width], 1)


def _places(regions: Regions) -> Tensor:
    """Return a number (T,) of each pixel, which grows from pixel to pixel."""
    return _keys(regions.region, regions.position, regions)


def _keys(region: Tensor, position: Tensor, regions: Regions) -> Tensor:
    height, width = regions.size
    # An image has some regions, and so there are no more images than regions.
    return region * (len(regions.counts) * height * width) + position
