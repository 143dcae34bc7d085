"""Convolution of small maps that are drawn on a large grid, without drawing them."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from texture_kd.functional.precision import without_autocast


def conv_enlarged(
    maps: Sequence[Tensor],
    weight: Tensor,
    size: Sequence[int],
    align_corners: bool = False,
) -> Tensor:
    r"""Convolve what small maps are after bilinear interpolation.

    .. math::

        Y = \sum_i W_i * (U_i X_i V_i^T) = \sum_i \sum_{a,b} (S_a U_i)
            (W_i^{ab} X_i) (S_b V_i)^T

    with the interpolation U of rows and V of columns, and S_a, which shifts a grid by
    what the tap a of the kernel looks aside and brings in zeros. Channels are mixed on
    the small maps; on the large grid a value costs as many products as all maps have
    rows in all, times the taps, and not as many as they have channels.

    Args:
        maps: X_i, (N, C_i, h_i, w_i), of any floating dtype.
        weight: W, (D, C, k, l), the C_i channels of all maps one after another, with
            odd k and l. The stride is 1, and zeros go around the large grid.
        size: its height H and width W.
        align_corners: as in ``torch.nn.functional.interpolate``.

    Returns:
        Y, (N, D, H, W), computed in float32 at least, with the dtype of the first map.

    Raises:
        ValueError: the kernel has an even side, there is no map, or the maps differ in
            the number of images or have not the kernel's channels in all.

    Example:
        >>> import torch
        >>> pooled, weight = torch.randn(2, 3, 2, 2), torch.randn(5, 3, 3, 3)
        >>> large = torch.nn.functional.interpolate(pooled, (8, 9), mode="bilinear")
        >>> expected = torch.nn.functional.conv2d(large, weight, padding=1)
        >>> torch.allclose(conv_enlarged([pooled], weight, (8, 9)), expected, atol=1e-5)
        True
    """
    _check(maps, weight)
    dtype = torch.promote_types(
        torch.promote_types(maps[0].dtype, weight.dtype), torch.float32
    )
    kernel = weight.shape[2:]
    rows, strips = [], []
    with without_autocast(weight.device):
        parts = weight.to(dtype).split([x.shape[1] for x in maps], dim=1)
        for x, part in zip(maps, parts, strict=True):
            taps = part.permute(0, 2, 3, 1).flatten(0, 2) @ x.to(dtype).flatten(2)
            taps = taps.unflatten(1, part.shape[:1] + kernel).unflatten(4, x.shape[2:])
            # (N, D, k, l, h, w) to (N, D, k h, l w).
            taps = taps.transpose(3, 4).flatten(4).flatten(2, 3)
            row, column = (
                _shifted_interpolation(*sides, align_corners, weight.to(dtype))
                for sides in zip(x.shape[2:], size, kernel, strict=True)
            )
            rows.append(row)
            strips.append(taps @ column)
        return (torch.cat(rows).mT @ torch.cat(strips, 2)).to(maps[0].dtype)


def _shifted_interpolation(
    count: int, size: int, taps: int, align_corners: bool, like: Tensor
) -> Tensor:
    """Return what ``count`` samples give to ``size`` pixels, seen by each tap.

    The rows (taps count, size) are the taps' in turn.
    """
    basis = torch.eye(count, dtype=like.dtype, device=like.device)[None]
    basis = F.interpolate(basis, size, mode="linear", align_corners=align_corners)[0]
    around = F.pad(basis, (taps // 2, taps // 2))
    return around.unfold(1, size, 1).transpose(0, 1).flatten(0, 1)


def _check(maps: Sequence[Tensor], weight: Tensor) -> None:
    if weight.ndim != 4 or not all(side % 2 for side in weight.shape[2:]):
        raise ValueError(
            "expected a weight (D, C, k, l) with odd k and l, got shape "
            f"{tuple(weight.shape)}"
        )
    shapes = [tuple(x.shape) for x in maps]
    if not shapes or any(len(s) != 4 or s[0] != shapes[0][0] for s in shapes):
        raise ValueError(f"expected maps (N, C, h, w) of as many images, got {shapes}")
    if sum(shape[1] for shape in shapes) != weight.shape[1]:
        raise ValueError(
            f"expected {weight.shape[1]} channels in all, as the weight has, got "
            f"{' + '.join(str(shape[1]) for shape in shapes)}"
        )
