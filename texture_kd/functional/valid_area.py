"""Where a feature or a response shows the image, and not padding."""

import torch
import torch.nn.functional as F
from torch import Tensor

_SMALLEST = 1e-12


def valid_area(
    valid: Tensor | None, images: int, grid: tuple[int, int]
) -> Tensor | None:
    """Bring the valid area of images to the grid of a feature.

    A cell of the grid is valid where all pixels that it stands for are.

    Args:
        valid: booleans (N, H, W) or (N, 1, H, W), true for the pixels of the image and
            false for padding, at any resolution; or None where nothing is padded.
        images: N.
        grid: height h and width w of the feature.

    Returns:
        Booleans (N, 1, h, w), or None where ``valid`` is None.

    Raises:
        ValueError: ``valid`` is no boolean tensor, or has another shape.

    Example:
        >>> import torch
        >>> valid = torch.ones(1, 8, 8, dtype=torch.bool)
        >>> valid[:, :, 5:] = False
        >>> valid_area(valid, 1, (1, 4)).tolist()
        [[[[True, True, False, False]]]]
    """
    if valid is None:
        return None
    if not isinstance(valid, Tensor) or valid.dtype != torch.bool:
        kind = valid.dtype if isinstance(valid, Tensor) else type(valid).__name__
        raise ValueError(
            f"expected valid as a boolean tensor, got {kind}: compare, such as "
            "labels != 255, or record dict(type='ValidArea')"
        )
    if valid.ndim == 3:
        valid = valid[:, None]
    if valid.ndim != 4 or valid.shape[:2] != (images, 1) or not valid.numel():
        raise ValueError(
            f"expected valid (N, H, W) or (N, 1, H, W) with N = {images}, got shape "
            f"{tuple(valid.shape)}"
        )
    if tuple(valid.shape[2:]) == tuple(grid):
        return valid
    return F.adaptive_max_pool2d((~valid).float(), grid) == 0


def valid_only(x: Tensor, area: Tensor | None) -> Tensor:
    """Set maps to 0 outside the valid area.

    Args:
        x: maps (N, C, h, w), or bands (N, C, B, h, w).
        area: booleans (N, 1, h, w), as :func:`valid_area` returns them, or None for
            all positions.

    Returns:
        The same shape. What stood outside has no influence and no gradient, be it
        infinite.
    """
    if area is None:
        return x
    outside = ~area if x.ndim == 4 else ~area[:, :, None]
    return x.masked_fill(outside, 0)


def valid_resize(
    x: Tensor,
    grid: tuple[int, int],
    valid: Tensor | None,
    align_corners: bool = False,
) -> Tensor:
    """Bring maps to another grid bilinearly, from their valid positions alone.

    Of a position's neighbours on the old grid those that are not valid are left out,
    and the weights of the others add up to 1 again, as at the edge of a map. So a
    padded image becomes what it would without padding, if the padding begins between
    two cells.

    Args:
        x: maps (N, C, H, W) of any floating dtype.
        grid: height and width of the new grid.
        valid: booleans (N, H', W') or (N, 1, H', W') as for :func:`valid_area`, or None
            for all positions.
        align_corners: as in :func:`torch.nn.functional.interpolate`.

    Returns:
        Maps (N, C, h, w) on the new grid, in float32 at least; 0 outside the valid
        area, and where no neighbour is valid.

    Raises:
        ValueError: ``valid`` is no boolean tensor, or has another shape.
    """
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    grid = tuple(grid)
    area = valid_area(valid, len(x), grid)
    if tuple(x.shape[-2:]) == grid:
        return valid_only(x, area)
    options = dict(size=grid, mode="bilinear", align_corners=align_corners)
    if area is None:
        return F.interpolate(x, **options)
    old = valid_area(valid, len(x), x.shape[-2:])
    share = F.interpolate(old.to(x.dtype), **options)
    resized = F.interpolate(valid_only(x, old), **options)
    return valid_only(resized / share.clamp_min(_SMALLEST), area)


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
    shown = torch.ones(images, 1, *own, device=area.device)
    return area & (valid_resize(shown, grid, valid, align_corners) > 0)


def valid_mean(x: Tensor, area: Tensor | None) -> Tensor:
    """Return the mean of maps over valid positions, channels and images.

    Args:
        x: maps (N, C, h, w).
        area: booleans (N, 1, h, w), as :func:`valid_area` returns them, or None for
            all positions.

    Returns:
        A scalar; 0 where no position is valid. What stands elsewhere has no influence
        and no gradient, be it infinite.
    """
    if area is None:
        return x.mean()
    count = area.sum() * x.shape[1]
    return valid_only(x, area).sum() / count.clamp_min(1)


def fill_padding(x: Tensor, area: Tensor | None) -> Tensor:
    """Put the mean of the valid area in the place of what is not valid.

    A transform then finds no edge between an image of constant brightness and its
    padding.

    Args:
        x: maps (N, C, h, w).
        area: booleans (N, 1, h, w), or None for all positions.

    Returns:
        Maps (N, C, h, w), each image and channel filled with its own mean, and with 0
        where nothing of it is valid; ``x`` itself without an area.
    """
    if area is None:
        return x
    inside = valid_only(x, area)
    count = area.sum((2, 3), keepdim=True).clamp_min(1)
    mean = inside.sum((2, 3), keepdim=True) / count
    return torch.where(area, inside, mean)
