"""Regions of feature maps.

Boxes are (y0, x0, y1, x1) in pixels, rows y0 <= y < y1 and columns x0 <= x < x1.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .transfer import sent


class Regions(NamedTuple):
    """Regions of maps of one size, and their T pixels in all.

    The pixels follow each other region by region, and in a region row by row: regions
    of all shapes are treated together, and a GPU is given a few large kernels. They are
    all pixels of the boxes, or those that :func:`within` has left.

    Attributes:
        images: index (R,) of the image of each region.
        boxes: boxes (R, 4).
        size: height and width of the maps.
        counts: number (R,) of the pixels of each.
        largest: the greatest of these numbers, or more.
        region: the region (T,) that each pixel is in.
        place: which pixel (T,) of its region it is, from 0.
        position: which pixel (T,) of all maps it is, counted through the images.
    """

    images: Tensor
    boxes: Tensor
    size: tuple[int, int]
    counts: Tensor
    largest: int
    region: Tensor
    place: Tensor
    position: Tensor


def anchor_boxes(
    points: Tensor,
    size: tuple[int, int],
    scales: Sequence[float] = (8, 16, 32),
    ratios: Sequence[float] = (0.5, 1, 2),
) -> Tensor:
    """Place anchors about points.

    An anchor of scale s and ratio r is half_up(s sqrt(r)) high and half_up(s / sqrt(r))
    wide, at least 2 and at most as much as the map is. One that would stand out of the
    map is shifted into it, so that all boxes of an anchor have the same shape.

    Args:
        points: rows and columns (..., 2), integers, of points in the map.
        size: height and width of the map.
        scales: square roots of the anchors' areas, in pixels.
        ratios: height over width.

    Returns:
        Boxes (..., A, 4), int64, of the A anchors, ordered by scale, then by ratio.
    """
    shapes = [
        (half_up(scale * math.sqrt(ratio)), half_up(scale / math.sqrt(ratio)))
        for scale in scales
        for ratio in ratios
    ]
    shapes = sent(torch.tensor(shapes), points.device)
    return _shifted_boxes(points[..., None, :], shapes, size)


def scale_boxes(
    boxes: Tensor, size: tuple[int, int], new_size: tuple[int, int]
) -> Tensor:
    """Transfer boxes to a map of another size.

    Boxes of one shape have one shape afterwards: sides are scaled and rounded, at least
    2 and at most as long as the map's, and the centres are kept as far as the map
    allows.

    Args:
        boxes: boxes (..., 4) in a map of ``size``.
        size: height and width of the map that the boxes are in.
        new_size: height and width of the other.

    Returns:
        Boxes (..., 4), int64.
    """
    if tuple(size) == tuple(new_size):
        return boxes
    old, new = (sent(torch.tensor(s), boxes.device) for s in (size, new_size))
    start, end = boxes[..., :2], boxes[..., 2:]
    shapes = (2 * (end - start) * new + old) // (2 * old)
    centres = (start + end) * new // (2 * old)
    return _shifted_boxes(centres, shapes, new_size)


def regions_of(boxes: Tensor, size: tuple[int, int]) -> Regions:
    """Find the pixels of regions.

    Args:
        boxes: boxes (B, M, 4), int64, of each image, of at least one pixel, in its map.
        size: height and width of the maps.

    Returns:
        The B M regions, image by image. On a GPU this waits for the boxes.

    Raises:
        ValueError: the boxes are no int64 (B, M, 4), there are none, or one is empty or
            not in the map.
    """
    if boxes.ndim != 3 or boxes.shape[2] != 4 or boxes.dtype != torch.int64:
        raise ValueError(
            f"expected int64 boxes (B, M, 4), got {boxes.dtype} with shape "
            f"{tuple(boxes.shape)}"
        )
    if boxes.numel() == 0:
        raise ValueError(f"expected a box at least, got shape {tuple(boxes.shape)}")
    images = torch.arange(len(boxes), device=boxes.device)
    images = images.repeat_interleave(boxes.shape[1])
    return _regions(images, boxes.flatten(0, 1), tuple(size))


def whole_maps(x: Tensor) -> Regions:
    """Return each of the maps (B, C, H, W) as a region. Nothing is waited for."""
    count, (height, width) = len(x), x.shape[2:]
    pixels = height * width
    images = torch.arange(count, device=x.device)
    position = torch.arange(count * pixels, device=x.device)
    return Regions(
        images=images,
        boxes=sent(torch.tensor([0, 0, height, width]), x.device).expand(count, 4),
        size=(height, width),
        counts=images.new_full((count,), pixels),
        largest=pixels,
        region=position // pixels,
        place=position % pixels,
        position=position,
    )


def scale_regions(regions: Regions, new_size: tuple[int, int]) -> Regions:
    """Transfer regions to maps of another size, as :func:`scale_boxes` does.

    Args:
        regions: regions.
        new_size: height and width of the other maps.

    Returns:
        As many regions; the same where the sizes are. Otherwise, on a GPU, this waits
        for the boxes.
    """
    if regions.size == tuple(new_size):
        return regions
    boxes = scale_boxes(regions.boxes, regions.size, new_size)
    return _regions(regions.images, boxes, tuple(new_size))


def within(regions: Regions, area: Tensor | None) -> Regions:
    """Leave padding out of regions.

    Args:
        regions: regions of maps.
        area: booleans (B, 1, H, W), true for the pixels that may stay, as
            :func:`~texture_kd.functional.valid_area` returns them; None for all.

    Returns:
        As many regions, with the pixels that may stay; some may have none. On a GPU
        this waits for their number, but where ``area`` is None.
    """
    if area is None:
        return regions
    kept = area.flatten()[regions.position].nonzero()[:, 0]
    region = regions.region[kept]
    counts = torch.zeros_like(regions.counts)
    counts = counts.index_add(0, region, torch.ones_like(region))
    first = counts.cumsum(0) - counts
    return regions._replace(
        counts=counts,
        region=region,
        place=torch.arange(len(kept), device=kept.device) - first[region],
        position=regions.position[kept],
    )


def _regions(images: Tensor, boxes: Tensor, size: tuple[int, int]) -> Regions:
    sides = boxes[:, 2:] - boxes[:, :2]
    counts = sides.prod(1)
    limit = sent(torch.tensor(size), boxes.device)
    fits = (sides > 0) & (boxes[:, :2] >= 0) & (boxes[:, 2:] <= limit)
    total, largest, fit = torch.stack(
        [counts.sum(), counts.amax(), fits.all().long()]
    ).tolist()
    if not fit:
        raise ValueError(
            f"expected boxes of at least one pixel in maps {size}, got "
            f"{boxes[~fits.all(1)][0].tolist()}"
        )
    index = torch.arange(len(boxes), device=boxes.device)
    region = index.repeat_interleave(counts, output_size=total)
    first = counts.cumsum(0) - counts
    corners = torch.stack(
        [first, images * size[0] + boxes[:, 0], boxes[:, 1], sides[:, 1]], 1
    )
    first, top, left, width = corners.index_select(0, region).unbind(1)
    place = torch.arange(total, device=boxes.device) - first
    position = (top + place // width) * size[1] + left + place % width
    return Regions(images, boxes, size, counts, largest, region, place, position)


def half_up(value: float) -> int:
    """Round to the nearest integer, and halves upwards."""
    # 0.29 x 50 is 14.5, and a bit less in binary.
    return math.floor(round(value, 9) + 0.5)


def _shifted_boxes(centres: Tensor, shapes: Tensor, size: tuple[int, int]) -> Tensor:
    """Return boxes of shapes about centres, all (..., 2), shifted into the map."""
    limit = sent(torch.tensor(size), centres.device)
    shapes = shapes.clamp_min(2).minimum(limit)
    start = (centres - shapes // 2).clamp_min(0).minimum(limit - shapes)
    return torch.cat(torch.broadcast_tensors(start, start + shapes), -1)
