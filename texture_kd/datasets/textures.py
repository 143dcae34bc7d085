"""Twelve stationary random textures that share mean, variance and colour.

Two ways in which textures differ, six classes each:

* *structural*: band-limited Gaussian noise whose ridges run in one of three
  directions, at one of two scales. Every intensity histogram is the same Gaussian.
* *statistical*: isotropic noise with one and the same power spectrum, whose
  intensities follow one of six distributions of mean 0 and variance 1.

The class ``gaussian`` is where the two ways cross.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MIN_SIDE",
    "TEXTURES",
    "Grating",
    "Marginal",
    "gaussian_field",
    "intensities",
    "texture_field",
]

ArrayF = NDArray[np.floating]


class Grating(NamedTuple):
    """A structural texture: ridges of one direction and scale.

    Attributes:
        frequency: Centre of the band in cycles a pixel, in (0, 0.5).
        degrees: Direction in which the ridges run, counter-clockwise from the
            image's horizontal axis, in [0, 180).
    """

    frequency: float
    degrees: float


class Marginal(NamedTuple):
    """A statistical texture: a distribution of intensities.

    Attributes:
        shape: Increasing function of a standard normal variable; location and
            scale are of no account, as they are normalised away.
    """

    shape: Callable[[ArrayF], ArrayF]


def _normal_cdf(x: ArrayF) -> ArrayF:
    return np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x])


_FINE, _COARSE = 0.22, 0.09

TEXTURES: dict[str, Grating | Marginal] = {
    "fine_0deg": Grating(_FINE, 0),
    "fine_60deg": Grating(_FINE, 60),
    "fine_120deg": Grating(_FINE, 120),
    "coarse_0deg": Grating(_COARSE, 0),
    "coarse_60deg": Grating(_COARSE, 60),
    "coarse_120deg": Grating(_COARSE, 120),
    "gaussian": Marginal(lambda x: x),
    "uniform": Marginal(_normal_cdf),
    "bimodal": Marginal(lambda x: np.tanh(4 * x)),
    "bright_spots": Marginal(lambda x: np.exp(0.6 * x)),
    "dark_spots": Marginal(lambda x: -np.exp(-0.6 * x)),
    "sparse": Marginal(lambda x: x**3),
}
"""Class name to recipe; the order gives the label."""

MIN_SIDE = 32
"""Smallest side of a field in pixels: about three periods of the coarse ridges."""

# Bandwidths of the ridges: standard deviations in log2 frequency and in angle.
_OCTAVES, _RADIANS = 0.25, math.radians(14)

# All statistical textures have the Matérn-3/2 correlation of this length in pixels.
# A smoother one, such as a Gaussian, is out of reach of the steep two-peaked map.
_CORRELATION_LENGTH = 2.5

# Beyond this the normal variable is clamped, so that the heavy tails end before
# 8-bit intensities would be cut off: a clipped grey level is a cue of its own.
_TRUNCATION = 2.5
_KNOTS = np.linspace(-_TRUNCATION, _TRUNCATION, 1025)
_HERMITE_TERMS = 40


def texture_field(
    label: int, size: tuple[int, int], rng: np.random.Generator
) -> ArrayF:
    """Draw one periodic field of a texture class.

    Args:
        label: Index into :data:`TEXTURES`, in [0, 12).
        size: Height and width in pixels, each at least :data:`MIN_SIDE`.
        rng: Source of the randomness; one standard normal a pixel is drawn.

    Returns:
        Field of shape ``size``; mean 0 and variance 1 over the ensemble of draws,
        values within [-5, 5].
    """
    return intensities(label, gaussian_field(label, size, rng))


def gaussian_field(
    label: int, size: tuple[int, int], rng: np.random.Generator
) -> ArrayF:
    """Draw the Gaussian field that underlies a texture class: its spatial half.

    Args:
        label: Index into :data:`TEXTURES`, in [0, 12).
        size: Height and width in pixels, each at least :data:`MIN_SIDE`.
        rng: Source of the randomness; one standard normal a pixel is drawn.

    Returns:
        float32 field of shape ``size``, standard normal at every pixel.
    """
    white = rng.standard_normal(size, dtype=np.float32)
    amplitude = _amplitudes(size)[label]
    return np.fft.irfft2(np.fft.rfft2(white) * amplitude, s=size)


def intensities(label: int, normal: ArrayF) -> ArrayF:
    """Map standard normal values to a class's distribution: its pointwise half.

    Args:
        label: Index into :data:`TEXTURES`, in [0, 12).
        normal: Standard normal values, any shape.

    Returns:
        Values of the same shape, mean 0 and variance 1, within [-5, 5].
    """
    return np.interp(normal, _KNOTS, _levels()[label])


@lru_cache(maxsize=1)
def _levels() -> ArrayF:
    """Normalised intensity at every knot of the normal variable: (12, knots)."""
    return np.stack([_normalised_levels(recipe) for recipe in TEXTURES.values()])


def _normalised_levels(recipe: Grating | Marginal) -> ArrayF:
    levels = recipe.shape(_KNOTS) if isinstance(recipe, Marginal) else _KNOTS
    nodes, weights = _quadrature()
    values = np.interp(nodes, _KNOTS, levels)
    mean = weights @ values
    return (levels - mean) / math.sqrt(weights @ (values - mean) ** 2)


@lru_cache(maxsize=1)
def _quadrature() -> tuple[ArrayF, ArrayF]:
    """Nodes and weights for expectations over a standard normal variable."""
    nodes = np.linspace(-8, 8, 8001)
    weights = np.exp(-(nodes**2) / 2)
    return nodes, weights / weights.sum()


@lru_cache(maxsize=8)
def _amplitudes(size: tuple[int, int]) -> NDArray[np.float32]:
    """Filters that colour unit white noise: (12, H, W // 2 + 1), variance kept."""
    power = [
        _ridge_power(size, recipe)
        if isinstance(recipe, Grating)
        else _isotropic_power(size, levels)
        for recipe, levels in zip(TEXTURES.values(), _levels(), strict=True)
    ]
    normalised = [np.sqrt(p / p.mean()) for p in power]
    return np.stack(normalised)[..., : size[1] // 2 + 1].astype(np.float32)


def _ridge_power(size: tuple[int, int], grating: Grating) -> ArrayF:
    """Power spectrum of ridges: a pair of Gaussian bumps in (log frequency, angle)."""
    down, right = np.meshgrid(*map(np.fft.fftfreq, size), indexing="ij")
    radius = np.hypot(down, right)
    # The constant term has no direction; far outside the band it has no power.
    radius[0, 0] = np.finfo(float).tiny
    # The wave vector is normal to the ridges, and the image's y axis points down.
    angle = math.radians(grating.degrees)
    along_normal = np.abs(right * math.sin(angle) + down * math.cos(angle)) / radius
    off_axis = np.arccos(np.minimum(along_normal, 1)) / _RADIANS
    off_band = np.log2(radius / grating.frequency) / _OCTAVES
    return np.exp(-(off_axis**2 + off_band**2) / 2)


def _isotropic_power(size: tuple[int, int], levels: ArrayF) -> ArrayF:
    r"""Spectrum a Gaussian field needs so that its mapped field has the shared one.

    A map :math:`f=\sum_k c_k He_k/\sqrt{k!}` of a Gaussian field of correlation
    :math:`\rho` has the correlation :math:`\sum_k c_k^2\rho^k` (Mehler's formula).
    Solving for :math:`\rho` at every lag gives all distributions one correlation.
    """
    wrapped = [np.minimum(np.arange(n), n - np.arange(n)) for n in size]
    lag = np.hypot(wrapped[0][:, None], wrapped[1])
    scaled = math.sqrt(3) * lag / _CORRELATION_LENGTH
    target = (1 + scaled) * np.exp(-scaled)
    rho = np.linspace(0, 1, 2049)
    squares = _hermite_coefficients(levels) ** 2
    mapped = np.polynomial.polynomial.polyval(rho, squares / squares.sum())
    power = np.fft.fft2(np.interp(target, mapped, rho)).real
    return np.maximum(power, 0)


def _hermite_coefficients(levels: ArrayF) -> ArrayF:
    """Coefficients of a map in the normalised Hermite polynomials."""
    nodes, weights = _quadrature()
    values = np.interp(nodes, _KNOTS, levels)
    previous, current = np.zeros_like(nodes), np.ones_like(nodes)
    coefficients = []
    for order in range(_HERMITE_TERMS + 1):
        coefficients.append(weights @ (values * current))
        following = (nodes * current - math.sqrt(order) * previous) / math.sqrt(
            order + 1
        )
        previous, current = current, following
    return np.array(coefficients)
