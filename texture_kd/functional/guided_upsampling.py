"""Coarse maps drawn on a fine grid, along what a guidance has there."""

import torch.nn.functional as F
from torch import Tensor


def guided_upsample(
    guidance: Tensor, slope: Tensor, offset: Tensor, align_corners: bool = False
) -> Tensor:
    r"""Apply coarse linear coefficients to a fine guidance (Eq. 1 and 3 of DUC).

    .. math:: O = a\uparrow \odot\, G + b\uparrow

    with the coefficients a and b brought to the guidance's grid bilinearly, as in the
    fast guided filter. With a = 0 it is bilinear interpolation of b, to the bit.

    Args:
        guidance: G, (N, C, H, W), of any floating dtype.
        slope: a, (N, C, h, w), on any grid: smaller, equal or larger.
        offset: b, of the slope's shape.
        align_corners: whether the outermost samples of both grids lie on each other,
            as in ``torch.nn.functional.interpolate``.

    Returns:
        O, (N, C, H, W).

    Raises:
        ValueError: the shapes do not go together.

    Example:
        >>> import torch
        >>> fine, coarse = torch.randn(1, 2, 8, 8), torch.ones(1, 2, 3, 3)
        >>> torch.equal(guided_upsample(fine, coarse, 0 * coarse), fine)
        True
    """
    shapes = [tuple(x.shape) for x in (guidance, slope, offset)]
    if any(len(shape) != 4 for shape in shapes):
        raise ValueError(f"expected maps (N, C, H, W), got shapes {shapes}")
    if shapes[1] != shapes[2] or shapes[0][:2] != shapes[1][:2]:
        raise ValueError(
            "expected slope and offset of one shape, with the guidance's images and "
            f"channels, got {shapes[1]} and {shapes[2]} for a guidance of {shapes[0]}"
        )
    if shapes[0][2:] != shapes[1][2:]:
        slope, offset = (
            F.interpolate(x, guidance.shape[2:], None, "bilinear", align_corners)
            for x in (slope, offset)
        )
    return slope * guidance + offset
