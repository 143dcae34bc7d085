"""The band along the boundaries of labels."""

import torch.nn.functional as F
from torch import Tensor


def trimap(label: Tensor, width: int) -> Tensor:
    """Find the pixels near another label: a trimap's undecided band.

    Labels of ignored pixels are labels, as data sets leave out what lies along a
    boundary.

    Args:
        label: integers (..., H, W), between -2^24 and 2^24.
        width: in pixels, at least 1. A pixel is in the band if a square of
            2 width + 1 pixels around it holds another label than its own.

    Returns:
        Booleans (..., H, W).

    Raises:
        ValueError: the width is below 1, or the labels are not integers.

    Example:
        >>> import torch
        >>> trimap(torch.tensor([[0, 0, 0, 0, 7, 7, 7]]), 2).long()
        tensor([[0, 0, 1, 1, 1, 1, 0]])
    """
    if width < 1:
        raise ValueError(f"expected a width of at least one pixel, got {width}")
    if label.is_floating_point():
        raise ValueError(f"expected integer labels, got {label.dtype}")
    maps = label.float().reshape(-1, 1, *label.shape[-2:])
    largest, least = _largest(maps, width), -_largest(-maps, width)
    return (largest != least).reshape(label.shape)


def _largest(maps: Tensor, width: int) -> Tensor:
    """Return the largest of the square around each pixel."""
    # Rows and columns apart, since the cost of pooling grows with the window's area.
    for rows, columns in ((width, 0), (0, width)):
        window = (2 * rows + 1, 2 * columns + 1)
        maps = F.max_pool2d(maps, window, stride=1, padding=(rows, columns))
    return maps
