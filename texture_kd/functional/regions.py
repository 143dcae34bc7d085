"""Regions of feature maps.

Boxes are (y0, x0, y1, x1) in pixels, rows y0 <= y < y1 and columns x0 <= x < x1.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Regions(NamedTuple):
    """Regions of one shape.

    Attributes:
        images: index (R,) of the image of each region.
        boxes: boxes (R, 4), all of the same height and width.
        size: their height and width.
    """

    images: Tensor
    boxes: Tensor
    size: tuple[int, int]


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
    shapes = points.new_tensor(shapes, dtype=torch.int64)
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
    old, new = boxes.new_tensor(size), boxes.new_tensor(new_size)
    start, end = boxes[..., :2], boxes[..., 2:]
    shapes = (2 * (end - start) * new + old) // (2 * old)
    centres = (start + end) * new // (2 * old)
    return _shifted_boxes(centres, shapes, new_size)


def scale_regions(
    group: Regions, size: tuple[int, int], new_size: tuple[int, int]
) -> Regions:
    """Transfer regions to a map of another size, as :func:`scale_boxes` does.

    Args:
        group: regions in a map of ``size``.
        size: height and width of the map that the regions are in.
        new_size: height and width of the other.

    Returns:
        Regions of one shape.
    """
    corner = scale_boxes(torch.tensor([0, 0, *group.size]), size, new_size)
    top, left, bottom, right = corner.tolist()
    boxes = scale_boxes(group.boxes, size, new_size)
    return Regions(group.images, boxes, (bottom - top, right - left))


def group_regions(boxes: Tensor) -> list[Regions]:
    """Group regions of one shape, which can be treated together.

    Args:
        boxes: boxes (B, M, 4) of each image.

    Returns:
        Regions of each shape, of at most as many as there are anchors. On a GPU this
        waits for the boxes, and nothing else here does.
    """
    images = torch.arange(len(boxes), device=boxes.device)
    images = images[:, None].expand(-1, boxes.shape[1]).flatten()
    boxes = boxes.flatten(0, 1)
    shapes, group, counts = (boxes[:, 2:] - boxes[:, :2]).unique(
        dim=0, return_inverse=True, return_counts=True
    )
    order = group.argsort(stable=True)
    regions, start = [], 0
    for height, width, count in torch.cat([shapes, counts[:, None]], 1).tolist():
        part = order[start : start + count]
        regions.append(Regions(images[part], boxes[part], (height, width)))
        start += count
    return regions


def crop_regions(x: Tensor, groups: Sequence[Regions]) -> list[Tensor]:
    """Cut regions out of features, exactly.

    Args:
        x: features (B, C, H, W).
        groups: regions within the map.

    Returns:
        Of each group its regions (R, C, h, w).
    """
    pixels = [_pixels(group, x.shape[2:]) for group in groups]
    # All at once, so that there is one gradient of the size of x.
    rows = x.permute(0, 2, 3, 1).flatten(0, 2)
    rows = rows.index_select(0, torch.cat([index.flatten() for index in pixels]))
    parts = rows.split([index.numel() for index in pixels])
    return [
        part.unflatten(0, index.shape).permute(0, 3, 1, 2)
        for part, index in zip(parts, pixels, strict=True)
    ]


def _pixels(group: Regions, size: Sequence[int]) -> Tensor:
    """Return the pixels (R, h, w) of regions, counted through all images."""
    images, boxes, (height, width) = group
    rows = boxes[:, 0, None] + torch.arange(height, device=boxes.device)
    columns = boxes[:, 1, None] + torch.arange(width, device=boxes.device)
    rows = images[:, None] * size[0] + rows
    return rows[:, :, None] * size[1] + columns[:, None]


def half_up(value: float) -> int:
    """Round to the nearest integer, and halves upwards."""
    # 0.29 x 50 is 14.5, and a bit less in binary.
    return math.floor(round(value, 9) + 0.5)


def _shifted_boxes(centres: Tensor, shapes: Tensor, size: tuple[int, int]) -> Tensor:
    """Return boxes of shapes about centres, all (..., 2), shifted into the map."""
    limit = centres.new_tensor(size)
    shapes = shapes.clamp_min(2).minimum(limit)
    start = (centres - shapes // 2).clamp_min(0).minimum(limit - shapes)
    return torch.cat(torch.broadcast_tensors(start, start + shapes), -1)
