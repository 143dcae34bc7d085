r"""Contourlet transform (Do and Vetterli 2005): Eq. 1 of SSTKD, iterated.

One level is a Laplacian pyramid followed by a directional filter bank of its band-pass
image; the next level works on the low-pass image. Both are linear and periodic, so one
level is a single filter bank.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from .directional_filter_bank import (
    DirectionalBands,
    directional_lattices,
    directional_multiple,
    directional_responses,
    split_directions,
)
from .filters import (
    DirectionalFilter,
    PyramidFilter,
    fan_bank,
    pyramid_taps,
)
from .laplacian_pyramid import pyramid_responses
from .polyphase import analyse, as_torus, polyphase_matrices


class ContourletBands(NamedTuple):
    """Contourlet coefficients of images.

    Attributes:
        low: low-pass image (N, C, H/2^L, W/2^L) that L levels leave, with 2^L times
            the mean of the input.
        directional: the directional bands of each level, finest first.
    """

    low: Tensor
    directional: tuple[DirectionalBands, ...]


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
    channel is transformed on its own. The result is linear in ``x``.

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
    """
    check_contourlet(levels, pyramid, directional)
    x = as_torus(x, contourlet_multiple(levels))
    bands = []
    for level in levels:
        size = (x.shape[-2], x.shape[-1])
        lowpass, *matrices = _matrices(
            size, level, pyramid, directional, x.dtype, x.device
        )
        bands.append(split_directions(x, level, tuple(matrices)))
        x = analyse(x, lowpass, (2, 2))[:, :, 0]
    return ContourletBands(x, tuple(bands))


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


@lru_cache(maxsize=16)
def _matrices(
    size: tuple[int, int],
    level: int,
    pyramid: PyramidFilter,
    directional: DirectionalFilter,
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, Tensor, Tensor]:
    # A tensor born in inference mode could not take part in training later.
    with torch.inference_mode(False):
        analysis, synthesis = pyramid_responses(size, pyramid)
        matrices = [polyphase_matrices(analysis[None], (2, 2), dtype)]
        # The band-pass is x - g * up(down(h * x)). Sampling on the lattice of a band
        # folds the four aliases of the pyramid too, so that what its prediction takes
        # away joins the response of the band: one filter does both steps.
        directions = directional_responses(size, level, directional)
        for responses, lattice in zip(
            directions, directional_lattices(level), strict=True
        ):
            aliases = (
                (responses * synthesis).unflatten(2, (2, -1)).unflatten(1, (2, -1))
            )
            predicted = analysis * aliases.mean((1, 3)).repeat(1, 2, 2)
            matrices.append(polyphase_matrices(responses - predicted, lattice, dtype))
        return tuple(m.to(device) for m in matrices)
