r"""One level of the Laplacian pyramid (Burt and Adelson 1983), Eq. 1 of SSTKD."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from .filters import PyramidFilter, pyramid_taps, torus_frequencies
from .polyphase import analyse, as_torus, polyphase_matrices, synthesise


class LaplacianBands(NamedTuple):
    """One level of a Laplacian pyramid.

    Attributes:
        low: low-pass image (N, C, H/2, W/2), with twice the mean of the input.
        high: band-pass image (N, C, H, W).
    """

    low: Tensor
    high: Tensor


def laplacian_pyramid(x: Tensor, filter: PyramidFilter = "maxflat") -> LaplacianBands:
    r"""Split images into a low-pass of half the size and the rest (SSTKD, Eq. 1).

    With separable low-pass filters h and g, on the torus,

    .. math:: l = (h * x)\downarrow_2, \qquad d = x - g * (l\uparrow_2),

    and :math:`d + g * (l - (h * d)\downarrow_2)\uparrow_2` gives x back exactly.

    Args:
        x: images (N, C, H, W) of any floating dtype, of any unit. An odd side is
            padded by one repetition of its last row or column.
        filter: pair of low-pass filters.

    Returns:
        ``low`` and ``high`` of the padded images, in float32 or, for float64 images,
        in float64. ``high`` has the padded size: crop what is rebuilt, not the band.

    Raises:
        ValueError: the filter is unknown, or ``x`` is no floating tensor (N, C, H, W).
    """
    pyramid_taps(filter)
    x = as_torus(x, 2)
    size = (x.shape[-2], x.shape[-1])
    analysis, synthesis = _matrices(size, filter, x.dtype, x.device)
    low = analyse(x, analysis, (2, 2))
    return LaplacianBands(low[:, :, 0], x - synthesise(low, synthesis, (2, 2)))


def pyramid_responses(
    size: tuple[int, int], filter: PyramidFilter
) -> tuple[Tensor, Tensor]:
    """Return the frequency responses of a pyramid's two low-pass filters.

    Args:
        size: (H, W) of the image.
        filter: pair of low-pass filters.

    Returns:
        Analysis and synthesis responses (H, W), complex128 on the CPU.

    Raises:
        ValueError: the filter is unknown.
    """
    analysis, synthesis = pyramid_taps(filter)
    # Filters of even length reach half a sample too far ahead, and what the analysis
    # advances the synthesis must delay.
    delay = 1 - len(synthesis) % 2
    w_r, w_c = torus_frequencies(size)
    return (
        _response(analysis, w_r) * _response(analysis, w_c),
        _response(synthesis, w_r, delay) * _response(synthesis, w_c, delay),
    )


def _response(taps: tuple[float, ...], w: Tensor, delay: int = 0) -> Tensor:
    terms = (
        tap * torch.exp(-1j * w * (m - len(taps) // 2 + delay))
        for m, tap in enumerate(taps)
    )
    return sum(terms, torch.zeros_like(w, dtype=torch.complex128))


@lru_cache(maxsize=16)
def _matrices(
    size: tuple[int, int],
    filter: PyramidFilter,
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    # A tensor born in inference mode could not take part in training later.
    with torch.inference_mode(False):
        analysis, synthesis = pyramid_responses(size, filter)
        return tuple(
            polyphase_matrices(r[None], (2, 2), dtype).to(device)
            for r in (analysis, synthesis.conj())
        )
