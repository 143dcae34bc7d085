r"""The same share for each box of an image, whatever its size: DS2D2."""

import torch
from torch import Tensor

from texture_kd.functional.component_shares import (
    check_grid,
    check_ids,
    number_components,
)
from texture_kd.functional.transfer import sent


def box_shares(
    boxes: Tensor,
    image_index: Tensor,
    images: int,
    size: tuple[int, int],
    image_size: tuple[int, int],
    gamma: float = 1.0,
) -> Tensor:
    r"""Share out a weight of each box among the cells that it covers.

    .. math::

        e_{ij} = \gamma \sum_k \frac{[(i, j) \in box_k]}
            {(X_1 - X_0 + 1)(Y_1 - Y_0 + 1)}, \qquad
        X_0 = \left\lfloor x_0 \tfrac{w}{W} \right\rfloor, \;
        X_1 = \min\left( w - 1, \left\lceil x_1 \tfrac{w}{W} \right\rceil \right)

    with both ends in the box, as DS2D2's code has it, so that a box reaches up to a
    cell beyond what it covers. The weights of DS2D2 are :math:`1 + e_{ij}`. Boxes are
    clipped to the image first; one without area in there, or that is not a number, adds
    nothing. Each other adds gamma in all.

    Args:
        boxes: corners (x0, y0, x1, y1) in pixels of the image, (K, 4), of all images.
        image_index: the image (K,) of each, from 0 to N - 1; best on the CPU, as it
            is looked at.
        images: N.
        size: height h and width w of the grid.
        image_size: height H and width W of the images, with what they were padded by.
        gamma: what a box adds, not negative.

    Returns:
        e, (N, h, w) in float32, 0 to rounding where there is no box.

    Raises:
        ValueError: boxes or their images have another shape, there is no such image, a
            size is empty, or gamma is negative.

    Example:
        >>> import torch
        >>> boxes = torch.tensor([[0.0, 0.0, 7.0, 7.0]])
        >>> box_shares(boxes, torch.tensor([0]), 1, (1, 4), (8, 32)).tolist()
        [[[0.5, 0.5, 0.0, 0.0]]]
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4 or image_index.shape != boxes.shape[:1]:
        raise ValueError(
            "expected boxes (K, 4) and the image (K,) of each, got shapes "
            f"{tuple(boxes.shape)} and {tuple(image_index.shape)}"
        )
    if images < 1 or min(image_size) < 1:
        raise ValueError(
            "expected at least one image of at least 1x1 pixels, got "
            f"{images} of {tuple(image_size)}"
        )
    image = image_index.long()
    # Where the index is on the CPU no GPU is waited for.
    if ((image < 0) | (image >= images)).any():
        raise ValueError(
            f"expected the image of each box from 0 to {images - 1}, got "
            f"{image.min()} to {image.max()}"
        )
    check_grid(size, gamma)
    (height, width), (rows, columns) = size, image_size
    x0, y0, x1, y1 = boxes.detach().double().unbind(1)
    x0, x1 = x0.clamp(0, columns), x1.clamp(0, columns)
    y0, y1 = y0.clamp(0, rows), y1.clamp(0, rows)
    # Comparisons with what is not a number are false.
    there = (x0 < x1) & (y0 < y1)
    left, right = _cells(x0, x1, there, width, columns)
    top, bottom = _cells(y0, y1, there, height, rows)
    share = gamma * there.double() / ((right - left) * (bottom - top))
    # The second differences of the sum of all boxes stand at their corners.
    image = sent(image, boxes.device)
    corners = share.new_zeros(images, height + 1, width + 1)
    for y, x, sign in ((top, left, 1), (top, right, -1), (bottom, left, -1)):
        corners.index_put_((image, y, x), sign * share, accumulate=True)
    corners.index_put_((image, bottom, right), share, accumulate=True)
    return corners.cumsum(1).cumsum(2)[:, :height, :width].float()


def component_boxes(ids: Tensor) -> tuple[Tensor, Tensor]:
    """Return the box about each component of a label map.

    Args:
        ids: integers (N, H, W), the number of the component that each pixel is in, in
            each image its own; negative ones are in none.

    Returns:
        Corners (x0, y0, x1, y1) in pixels, (K, 4), float32, where a box of one pixel
        has the sides 1; and the image (K,) of each.

    Raises:
        ValueError: ``ids`` are no integers (N, H, W).
    """
    check_ids(ids)
    image, y, x = torch.where(ids >= 0)
    numbers, inverse = number_components(ids)[image, y, x].unique(return_inverse=True)
    pixels = torch.stack([x, y, x + 1, y + 1], 1)
    inverse = inverse[:, None].expand_as(pixels)
    boxes = pixels.new_zeros(len(numbers), 4)
    low, high = (
        boxes.scatter_reduce(0, inverse, pixels, reduce, include_self=False)
        for reduce in ("amin", "amax")
    )
    boxes = torch.cat([low[:, :2], high[:, 2:]], 1).float()
    index = image.new_zeros(len(numbers)).scatter_(0, inverse[:, 0], image)
    return boxes, index


def _cells(
    start: Tensor, end: Tensor, there: Tensor, cells: int, pixels: int
) -> tuple[Tensor, Tensor]:
    """Return the first cell along an axis, and the one behind the last."""
    start, end = (torch.where(there, side, 0) * cells / pixels for side in (start, end))
    first = start.floor().long().clamp_max(cells - 1)
    return first, end.ceil().long().clamp_max(cells - 1) + 1
