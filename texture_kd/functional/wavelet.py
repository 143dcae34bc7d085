r"""The Haar transform of one level, and what DS2D2 makes of its details."""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from texture_kd.functional.choices import check_choice

HaarPadding = Literal["zero", "replicate"]
HighFrequency = Literal["sum", "magnitude", "concat"]


def haar_dwt(x: Tensor, padding: HaarPadding = "zero") -> tuple[Tensor, Tensor]:
    r"""Split features into a low band and three bands of details.

    Each block of 2x2 pixels becomes one coefficient of each band:

    .. math::

        \begin{pmatrix} a & b \\ c & d \end{pmatrix} \mapsto \quad
        LL = \tfrac{a + b + c + d}{2}, \;
        LH = \tfrac{a + b - c - d}{2}, \;
        HL = \tfrac{a - b + c - d}{2}, \;
        HH = \tfrac{a - b - c + d}{2}

    The transform is orthonormal: with an even height and width, or zeros behind an odd
    one, the bands' squares add up to those of ``x``.

    Args:
        x: features (N, C, H, W) of any floating dtype and any unit.
        padding: what stands behind the last row or column where their number is odd:
            ``zero``, or ``replicate`` for the last one again.

    Returns:
        LL (N, C, h, w), and the details (N, C, 3, h, w) in the order LH, HL, HH, with
        h = ceil(H / 2) and w = ceil(W / 2), in the dtype of ``x``.

    Raises:
        ValueError: ``x`` is no floating point (N, C, H, W), or empty, or ``padding`` is
            unknown.

    Example:
        >>> import torch
        >>> low, details = haar_dwt(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
        >>> low.flatten().tolist(), details.flatten().tolist()
        ([5.0], [-2.0, -1.0, 0.0])
    """
    check_choice("padding", padding, get_args(HaarPadding))
    if x.ndim != 4 or not x.is_floating_point() or x.numel() == 0:
        raise ValueError(
            "expected a non-empty floating point tensor (N, C, H, W), "
            f"got {x.dtype} with shape {tuple(x.shape)}"
        )
    height, width = x.shape[-2:]
    if height % 2 or width % 2:
        mode = "constant" if padding == "zero" else "replicate"
        x = F.pad(x, (0, width % 2, 0, height % 2), mode)
    # Halved first, sums of float16 stay in its range wherever the bands do.
    x = x / 2
    left, right = x[..., ::2], x[..., 1::2]
    sums, differences = left + right, left - right
    top, bottom = sums[..., ::2, :], sums[..., 1::2, :]
    upper, lower = differences[..., ::2, :], differences[..., 1::2, :]
    details = torch.stack([top - bottom, upper + lower, upper - lower], 2)
    return top + bottom, details


def haar_idwt(
    low: Tensor, details: Tensor, size: tuple[int, int] | None = None
) -> Tensor:
    """Put the bands of :func:`haar_dwt` together again.

    Args:
        low: LL (N, C, h, w).
        details: LH, HL and HH, (N, C, 3, h, w).
        size: height and width of the features, 2h or 2h - 1 and 2w or 2w - 1: a last
            row and column that were padded are cut off. 2h and 2w by default.

    Returns:
        Features (N, C, H, W).

    Raises:
        ValueError: the bands do not go together, or the size is none of these.
    """
    shape = tuple(low.shape)
    if low.ndim != 4 or tuple(details.shape) != (*shape[:2], 3, *shape[2:]):
        raise ValueError(
            "expected bands (N, C, h, w) and (N, C, 3, h, w), got shapes "
            f"{shape} and {tuple(details.shape)}"
        )
    full = (2 * shape[2], 2 * shape[3])
    size = full if size is None else tuple(size)
    if len(size) != 2 or any(
        given not in (n, n - 1) for given, n in zip(size, full, strict=True)
    ):
        raise ValueError(
            f"bands of {shape[2:]} belong to features of {full} or of one row or "
            f"column less, not to {size}"
        )
    lh, hl, hh = details.unbind(2)
    top, bottom = (low + lh) / 2, (low - lh) / 2
    upper, lower = (hl + hh) / 2, (hl - hh) / 2
    rows = [
        torch.stack([mean + slope, mean - slope], -1).flatten(-2)
        for mean, slope in ((top, upper), (bottom, lower))
    ]
    return torch.stack(rows, -2).flatten(-3, -2)[..., : size[0], : size[1]]


def high_frequency(
    details: Tensor, size: tuple[int, int], mode: HighFrequency = "sum"
) -> Tensor:
    r"""Make a map of the size of the features of their bands of details.

    - ``sum``: LH + HL + HH, as DS2D2's code has it. With signs these are one
      difference, twice the first pixel of a block less its LL, and details of opposite
      signs cancel.
    - ``magnitude``: :math:`\sqrt{LH^2 + HL^2 + HH^2}`, with the gradient 0 at 0.
    - ``concat``: the three bands of each channel beside each other, nothing lost.

    Args:
        details: LH, HL and HH, (N, C, 3, h, w), of :func:`haar_dwt`.
        size: height and width of the map, to which the bands are brought bilinearly.
        mode: what is made of the three.

    Returns:
        A map (N, C, H, W), with ``concat`` (N, 3C, H, W), the bands of a channel next
        to each other.

    Raises:
        ValueError: ``details`` has another shape, or ``mode`` is unknown.
    """
    check_choice("mode", mode, get_args(HighFrequency))
    if details.ndim != 5 or details.shape[2] != 3:
        raise ValueError(
            f"expected details (N, C, 3, h, w), got shape {tuple(details.shape)}"
        )
    if mode == "sum":
        x = details.sum(2)
    elif mode == "magnitude":
        x = torch.linalg.vector_norm(details, dim=2)
    else:
        x = details.flatten(1, 2)
    return F.interpolate(x, size, mode="bilinear", align_corners=False)
