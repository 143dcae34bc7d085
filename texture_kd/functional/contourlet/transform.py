r"""Contourlet transform (Do and Vetterli 2005): Eq. 1 of SSTKD, iterated.

One level is a Laplacian pyramid followed by a directional filter bank of its band-pass
image; the next level works on the low-pass image. Both are linear and periodic, so one
level is a single filter bank.
"""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from .directional_filter_bank import (
    DirectionalBands,
    check_directional_bands,
    join_cosets,
    split_cosets,
)
from .directional_tree import directional_multiple
from .filter_bank import analyse, synthesise
from .filters import DirectionalFilter, PyramidFilter, fan_bank, pyramid_taps
from .torus import as_coefficients, as_torus, check_padding, check_shapes, crop


class ContourletBands(NamedTuple):
    """Contourlet coefficients of images.

    Attributes:
        low: low-pass image (N, C, H/2^L, W/2^L) that L levels leave, with 2^L times
            the mean of the input.
        directional: the directional bands of each level, finest first.
        size: height and width of the input, before it was padded.
    """

    low: Tensor
    directional: tuple[DirectionalBands, ...]
    size: tuple[int, int]


def contourlet(
    x: Tensor,
    levels: Sequence[int] = (4, 3),
    pyramid: PyramidFilter = "maxflat",
    directional: DirectionalFilter = "dmaxflat7",
) -> ContourletBands:
    r"""Decompose images into directional bands of several scales (SSTKD, Eq. 1).

    .. math::

        F_{l,n+1}, F_{h,n+1} = LP(F_{l,n}), \qquad F_{bds,n+1} = DFB(F_{h,n+1})

    The images are tori, so convolutions wrap around their edges; each image and each
    channel is transformed on its own. The result is linear in ``x``. A NaN spreads over
    all bands of its channel of its image, and no further.

    The filters of a size are prepared at its first use, a matrix for each frequency;
    those of the last eight sizes are kept. Derivatives are those of autograd, in
    reverse mode; ``torch.func`` does not know the operators.

    Args:
        x: images (N, C, H, W) of any floating dtype, of any unit. A side that is no
            multiple of :func:`contourlet_multiple` is padded at its end by repeating
            the last row or column.
        levels: depth n of the directional tree at each scale, finest first; scale i
            has 2^n bands of (H/2^i)(W/2^i) coefficients in all.
        pyramid: low-pass filters of the Laplacian pyramid.
        directional: fan filters of the directional filter bank.

    Returns:
        Low-pass image and directional bands of the padded images, in float32 or, for
        float64 images, in float64.

    Raises:
        ValueError: a filter is unknown, ``levels`` is empty or holds a number below 1,
            or ``x`` is no floating tensor (N, C, H, W).

    Example:
        >>> import torch
        >>> x = torch.rand(1, 3, 64, 96, dtype=torch.float64)
        >>> bands = contourlet(x)
        >>> [tuple(level.vertical.shape) for level in bands.directional]
        [(1, 3, 8, 8, 48), (1, 3, 4, 8, 24)]
        >>> torch.allclose(inverse_contourlet(bands), x)
        True
    """
    check_contourlet(levels, pyramid, directional)
    torus = as_torus(x, contourlet_multiple(levels))
    height, width = torus.shape[-2:]
    *stacks, low = analyse(torus, levels, pyramid, directional, dual=False)
    bands = tuple(
        join_cosets(*stacks[2 * i : 2 * i + 2], level, (height >> i, width >> i))
        for i, level in enumerate(levels)
    )
    return ContourletBands(low, bands, (x.shape[-2], x.shape[-1]))


def inverse_contourlet(
    bands: ContourletBands,
    pyramid: PyramidFilter = "maxflat",
    directional: DirectionalFilter = "dmaxflat7",
) -> Tensor:
    """Rebuild images from their contourlet coefficients, exactly.

    Coefficients that come from no image, of which there are up to a third too many,
    are projected onto those that do.

    Args:
        bands: low-pass image and directional bands, of any floating dtypes, and the
            size (H, W) to crop the result to.
        pyramid: low-pass filters that made the bands.
        directional: fan filters that made the bands.

    Returns:
        Images (N, C, H, W), in float32 or, for float64 bands, in float64.

    Raises:
        ValueError: a filter is unknown, or the bands do not fit each other.
    """
    checked = [check_directional_bands(level) for level in bands.directional]
    levels = [level for level, _ in checked]
    check_contourlet(levels, pyramid, directional)
    height, width = checked[0][1]
    for i, (_, size) in enumerate(checked):
        if size != (height >> i, width >> i):
            raise ValueError(
                f"expected directional bands of {height >> i} x {width >> i} at level "
                f"{i}, half as high and wide as those above, got {size[0]} x {size[1]}"
            )
    check_padding((height, width), bands.size, contourlet_multiple(levels))
    batch = bands.directional[0].vertical.shape[:2]
    low = (*batch, height >> len(levels), width >> len(levels))
    check_shapes("a low-pass image", [bands.low], [low])
    stacks = [stack for level in bands.directional for stack in split_cosets(level)]
    x = synthesise(
        as_coefficients([*stacks, bands.low]),
        (*batch, height, width),
        levels,
        pyramid,
        directional,
        dual=True,
    )
    return crop(x, bands.size)


def contourlet_multiple(levels: Sequence[int]) -> int:
    """Return what both sides of an image must be divisible by to need no padding.

    Args:
        levels: depth of the directional tree at each scale, finest first.

    Returns:
        A power of two: 8 for levels (4, 3).

    Raises:
        ValueError: ``levels`` is empty or holds a number below 1.
    """
    if len(levels) == 0:
        raise ValueError("expected at least one contourlet level, got none")
    return max(2**i * directional_multiple(n) for i, n in enumerate(levels))


def check_contourlet(
    levels: Sequence[int], pyramid: PyramidFilter, directional: DirectionalFilter
) -> None:
    """Check the options of :func:`contourlet`.

    Args:
        levels: depth of the directional tree at each scale, finest first.
        pyramid: low-pass filters of the Laplacian pyramid.
        directional: fan filters of the directional filter bank.

    Raises:
        ValueError: a filter is unknown, or ``levels`` is empty or holds a number
            below 1.
    """
    contourlet_multiple(levels)
    pyramid_taps(pyramid)
    fan_bank(directional)
