"""Maps brought to another grid from what shows the image, and not padding."""

import torch
import torch.nn.functional as F
from torch import Tensor

from texture_kd.functional.valid_area import valid_area, valid_only


def valid_resize(
    x: Tensor, valid: Tensor | None, grid: tuple[int, int], align_corners: bool = False
) -> Tensor:
    """Resize maps bilinearly, from their valid positions alone.

    The weights of those that a cell is made of are brought to a sum of 1, so that an
    image that is padded on the right or below is resized as it is without padding.

    Args:
        x: maps (N, C, H, W) of any floating dtype.
        valid: booleans (N, H', W') or (N, 1, H', W') at any resolution, true for the
            pixels of the image; or None where nothing is padded.
        grid: height h and width w to bring them to.
        align_corners: as in :func:`torch.nn.functional.interpolate`.

    Returns:
        Maps (N, C, h, w) in the dtype of ``x``; 0 where there is nothing valid to be
        made of. What stands in the padding has no influence and no gradient, be it
        infinite. Maps that are on the grid already are 0 there and stay as they are
        elsewhere.

    Raises:
        ValueError: ``valid`` is no boolean tensor, or has another shape.
    """
    area = valid_area(valid, len(x), x.shape[-2:])
    x = valid_only(x, area)
    if tuple(x.shape[-2:]) == tuple(grid):
        return x
    resized = _bilinear(x, grid, align_corners)
    if area is None:
        return resized
    weight = _bilinear(area.to(x.dtype), grid, align_corners)
    return resized / weight.where(weight > 0, 1)


def shared_area(
    valid: Tensor | None,
    images: int,
    own: tuple[int, int],
    grid: tuple[int, int],
    align_corners: bool = False,
) -> Tensor | None:
    """Return where maps that :func:`valid_resize` resized can be compared.

    Args:
        valid: booleans as there, or None.
        images: N.
        own: height and width of the maps before.
        grid: those of the maps that they are compared with.
        align_corners: how they were resized.

    Returns:
        Booleans (N, 1, h, w), true where both show the image; None where all do.

    Raises:
        ValueError: ``valid`` is no boolean tensor, or has another shape.
    """
    area = valid_area(valid, images, grid)
    if area is None or tuple(own) == tuple(grid):
        return area
    shown = valid_area(valid, images, own).to(torch.float32)
    return area & (_bilinear(shown, grid, align_corners) > 0)


def _bilinear(x: Tensor, grid: tuple[int, int], align_corners: bool) -> Tensor:
    return F.interpolate(x, grid, mode="bilinear", align_corners=align_corners)
