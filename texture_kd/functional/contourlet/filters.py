"""Filters of the contourlet, described by their frequency responses.

Frequencies (w_r, w_c) are angular, in radians a sample, along rows and columns.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

PyramidFilter = Literal["9-7", "maxflat", "burt", "haar"]
DirectionalFilter = Literal["dmaxflat7", "pkva"]
Matrix = tuple[tuple[int, int], tuple[int, int]]

QUINCUNX_1: Matrix = ((1, -1), (1, 1))
QUINCUNX_2: Matrix = ((1, 1), (-1, 1))

_SQRT2 = math.sqrt(2.0)
_K1 = _K3 = 1.0 - _SQRT2
_K2 = 1.0 / _SQRT2


def _mirror(*half: float) -> tuple[float, ...]:
    return (*half, *half[-2::-1])


# Analysis and synthesis low-pass of each pyramid, with a DC gain of sqrt(2).
_PYRAMID_TAPS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "9-7": (
        _mirror(
            0.037828455506995,
            -0.023849465019380,
            -0.11062440441842,
            0.37740285561265,
            0.85269867900940,
        ),
        _mirror(
            -0.064538882628938, -0.040689417609558, 0.41809227322221, 0.78848561640566
        ),
    ),
    "maxflat": (
        _mirror(_K2 * _K3 / 4, _K2 / 2, 1 + _K2 * _K3 / 2),
        _mirror(
            -_K1 * _K2 * _K3 / 8,
            _K1 * _K2 / 4,
            -(_K1 + _K3) / 2 - 3 * _K1 * _K2 * _K3 / 8,
            1 + _K1 * _K2 / 2,
        ),
    ),
    "burt": (
        _mirror(*(_SQRT2 * c for c in (-0.05, 0.25, 0.6))),
        _mirror(*(_SQRT2 * c for c in (-3 / 280, -3 / 56, 73 / 280, 17 / 28))),
    ),
    "haar": ((_K2, _K2), (_K2, _K2)),
}

# Ladder of Phoong, Kim, Vaidyanathan and Ansari (1995): half of its odd filter.
_PKVA_TAPS = (0.6300, 0.1930, 0.0972, 0.0526, 0.0272, 0.0144)
_FLATNESS = 7


def pyramid_taps(name: PyramidFilter) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the analysis and synthesis low-pass of a Laplacian pyramid.

    Args:
        name: the pair of one-dimensional filters.

    Returns:
        Taps of the analysis and of the synthesis filter, each with a DC gain of
        sqrt(2); tap ``m`` of ``M`` stands at position ``m - M // 2``.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in _PYRAMID_TAPS:
        raise ValueError(
            f"expected a pyramid filter among {get_args(PyramidFilter)}, got {name!r}"
        )
    return _PYRAMID_TAPS[name]


def pyramid_responses(
    size: tuple[int, int], name: PyramidFilter, dual: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the frequency responses of a pyramid's two low-pass filters.

    Args:
        size: (H, W) of the image.
        name: pair of low-pass filters.
        dual: return the pair whose pyramid's adjoint inverts this one: the two trade
            places, read backwards.

    Returns:
        Analysis and synthesis responses (H, W/2 + 1) on the half plane w_c in [0, pi],
        complex128 on the CPU.

    Raises:
        ValueError: the filter is unknown.
    """
    # Filters of even length reach half a sample too far ahead, and what the analysis
    # advances the synthesis must delay.
    w_r, w_c = half_plane_frequencies(size)
    analysis, synthesis = (
        _response(taps, w_r, delay) * _response(taps, w_c, delay)
        for taps, delay in zip(
            pyramid_taps(name), (0, 1 - len(pyramid_taps(name)[1]) % 2), strict=True
        )
    )
    return (synthesis.conj(), analysis.conj()) if dual else (analysis, synthesis)


def _response(taps: tuple[float, ...], w: Tensor, delay: int) -> Tensor:
    positions = torch.arange(len(taps), device="cpu") - len(taps) // 2 + delay
    phases = torch.exp(-1j * w[..., None] * positions)
    return phases @ torch.tensor(taps, dtype=phases.dtype, device="cpu")


class FanBank(NamedTuple):
    """Two-channel bank that splits the plane along its diagonals.

    Attributes:
        fan: maps (w_r, w_c) to a number in about [-1, 1] that is near 1 where
            abs(w_r) < abs(w_c) and changes its sign across the diagonals.
        main: response of the zero-phase channel, as a function of a fan that is near 1
            in its pass region.
        other: the same of the channel that is sampled off the lattice.
        offset: where that other channel is sampled, for each quincunx lattice.
        main_first: whether the main channel stays the first of the two below the root
            of the tree.
        polarity: sign of main times other where they pass.
    """

    fan: Callable[[Tensor, Tensor], Tensor]
    main: Callable[[Tensor], Tensor]
    other: Callable[[Tensor], Tensor]
    offset: dict[Matrix, tuple[int, int]]
    main_first: bool
    polarity: float

    def dual(self) -> "FanBank":
        """Return the biorthogonal bank, whose adjoint inverts this one.

        The channels trade their filters: main(b) other(b) + main(-b) other(-b) is
        twice the polarity for every b.
        """
        return self._replace(
            main=lambda b: self.polarity * self.other(b),
            other=lambda b: self.polarity * self.main(b),
        )


def fan_bank(name: DirectionalFilter) -> FanBank:
    """Return a two-channel fan filter bank by name.

    ``dmaxflat7`` transforms the ``maxflat`` pair with a maximally flat half-band fan
    (McClellan 1973; Cooklev, Yoshida and Nishihara 1993); it is nearly orthogonal.
    ``pkva`` is the ladder of Phoong et al. (1995): sharper, and far from orthogonal.

    Args:
        name: the bank.

    Returns:
        The bank, whose channels have a gain of sqrt(2) where they pass.

    Raises:
        ValueError: the name is unknown.
    """
    if name == "dmaxflat7":
        analysis, synthesis = pyramid_taps("maxflat")
        return FanBank(
            _maximally_flat_fan,
            lambda b: _chebyshev(analysis, b),
            lambda b: _chebyshev(synthesis, b),
            {QUINCUNX_1: (1, 0), QUINCUNX_2: (1, 0)},
            main_first=True,
            polarity=1.0,
        )
    if name == "pkva":
        return FanBank(
            _ladder_fan,
            lambda b: (1 + b) / _SQRT2,
            lambda b: -(1 + b) * (2 - b) / _SQRT2,
            {QUINCUNX_1: (0, 1), QUINCUNX_2: (1, 0)},
            main_first=False,
            polarity=-1.0,
        )
    raise ValueError(
        f"expected a directional filter among {get_args(DirectionalFilter)}, "
        f"got {name!r}"
    )


def _maximally_flat_fan(w_r: Tensor, w_c: Tensor) -> Tensor:
    # Bernstein form of the half-band diamond, moved by pi along the columns.
    index = torch.arange(_FLATNESS + 1, device="cpu")
    weights = 1.0 - 0.5 * (
        (index[:, None] + index >= _FLATNESS).double()
        + (index[:, None] + index > _FLATNESS).double()
    )
    rows = _bernstein(torch.sin(w_r / 2) ** 2)
    columns = _bernstein(torch.cos(w_c / 2) ** 2)
    return 2 * torch.einsum("...i,ij,...j->...", rows, weights, columns) - 1


def _bernstein(x: Tensor) -> Tensor:
    degree = _FLATNESS
    terms = [
        math.comb(degree, i) * x**i * (1 - x) ** (degree - i) for i in range(degree + 1)
    ]
    return torch.stack(terms, dim=-1)


def _ladder_fan(w_r: Tensor, w_c: Tensor) -> Tensor:
    # The half-sample delays of the ladder's even-length filters cancel, which leaves
    # the product of two odd functions along the diagonals.
    return _square_wave(w_c + w_r) * _square_wave(w_c - w_r)


def _square_wave(nu: Tensor) -> Tensor:
    return 2 * sum(v * torch.sin((i + 0.5) * nu) for i, v in enumerate(_PKVA_TAPS))


def _chebyshev(taps: tuple[float, ...], b: Tensor) -> Tensor:
    # A symmetric filter is a polynomial in cos(w); the transform puts b in its place.
    centre = len(taps) // 2
    previous, current = torch.ones_like(b), b
    total = taps[centre] * previous
    for tap in taps[centre + 1 :]:
        total = total + 2 * tap * current
        previous, current = current, 2 * b * current - previous
    return total


def half_plane_frequencies(size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the angular frequencies that the transform of a real image keeps.

    Args:
        size: (H, W) of the image.

    Returns:
        w_r of shape (H, 1) in [0, 2 pi) and w_c of shape (1, W/2 + 1) in [0, pi],
        float64 on the CPU.
    """
    height, width = size
    w_r, w_c = (
        2 * math.pi * torch.arange(count, dtype=torch.float64, device="cpu") / n
        for count, n in ((height, height), (width // 2 + 1, width))
    )
    return w_r[:, None], w_c[None, :]
