r"""Correlations of two features' contourlet bands, channel by channel.

Sums over frequencies stand for the bands: with the weights W_b of :func:`band_weights`

.. math::

    E_b(x) = \sum_w W_b(w) |X(w)|^2, \qquad
    P_b(x, y) = Re \sum_w W_b(w) X(w) \overline{Y(w)}.

Real and imaginary parts lie side by side here, as 2F reals a map: products and sums of
real numbers do, and none of them is complex.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from texture_kd.functional.frequencies import column_multiplicities
from texture_kd.functional.kept_tensors import kept_tensors
from texture_kd.functional.precision import without_autocast
from texture_kd.functional.transfer import sent
from texture_kd.functional.valid_area import fill_padding, valid_area

from .band_weights import band_weights
from .filters import DirectionalFilter, PyramidFilter
from .torus import as_torus, check_images
from .transform import check_contourlet, contourlet_multiple

# A band weaker than this share of the rms of what it is a band of counts as empty.
_FLOOR = 1e-3


class ContourletOptions(NamedTuple):
    """What :func:`contourlet` is done with."""

    levels: tuple[int, ...] = (4, 3)
    pyramid: PyramidFilter = "maxflat"
    directional: DirectionalFilter = "dmaxflat7"


def band_correlation(
    student: Tensor,
    teacher: Tensor,
    levels: Sequence[int] = (4, 3),
    pyramid: PyramidFilter = "maxflat",
    directional: DirectionalFilter = "dmaxflat7",
    valid: Tensor | None = None,
) -> Tensor:
    r"""Correlate the contourlet bands of two features, channel by channel.

    .. math::

        \rho_{c,b} = \frac{P_b(s_c, t_c)}{\sqrt{E_b(s_c) E_b(t_c)}}

    over all images and positions, averaged over the shifts of the bands' sampling
    lattices. No filter bank is run: both are weighted sums over one Fourier transform
    of each feature. A channel's energy in a band is taken to be a millionth of its
    mean square at least, so that rounding errors are not blown up; the correlation is
    nearer to 0 where that is more than there is.

    Args:
        student: feature (N, C, H, W) of any floating dtype and unit, padded as
            :func:`contourlet` pads it.
        teacher: feature of the same shape.
        levels: depth n of the directional tree at each scale, finest first.
        pyramid: low-pass filters of the Laplacian pyramid.
        directional: fan filters of the directional filter bank.
        valid: booleans (N, 1, H', W') or (N, H', W'), false for padding; see
            :func:`~texture_kd.functional.valid_area`. The mean of the valid area
            stands for the rest, which weighs nothing.

    Returns:
        Correlations (C, B) from -1 to 1, bands in the order of :func:`band_weights`,
        in float32 at least. Nothing is detached.

    Raises:
        ValueError: an option is unknown, or the features are no floating tensors
            (N, C, H, W) of one shape.

    Example:
        >>> import torch
        >>> x = torch.rand(2, 3, 32, 32, dtype=torch.float64)
        >>> rho = band_correlation(x, 1 - 2 * x)
        >>> tuple(rho.shape), bool((rho + 1).abs().max() < 1e-9)
        ((3, 24), True)
    """
    check_contourlet(levels, pyramid, directional)
    if student.shape != teacher.shape:
        raise ValueError(
            "expected features of one shape, got "
            f"{tuple(student.shape)} and {tuple(teacher.shape)}"
        )
    for x in (student, teacher):
        check_images(x)
    options = ContourletOptions(tuple(levels), pyramid, directional)
    area = valid_area(valid, len(student), tuple(student.shape[2:]))
    dtype = torch.promote_types(student.dtype, teacher.dtype)
    dtype = torch.promote_types(dtype, torch.float32)
    with without_autocast(student.device):
        filled = (fill_padding(x.to(dtype), area) for x in (student, teacher))
        images = [as_images(x, options) for x in filled]
        weights = frequency_weights(images[0], options)
        moments = band_moments(*(real_spectra(x) for x in images), weights)
        return standardised(moments).correlation


def band_energies(
    x: Tensor, options: ContourletOptions, area: Tensor | None = None
) -> Tensor:
    """Return the mean squares of images' contourlet bands, averaged over their shifts.

    Args:
        x: feature (N, C, H, W) of any floating dtype and unit.
        options: of the contourlet.
        area: where it is valid, booleans (N, 1, H, W), or None for everywhere; the
            mean of that has to stand elsewhere.

    Returns:
        (N, B + 1): the mean over channels and valid positions of each band's square, in
        the order of :func:`band_weights`, and last what an empty band is taken to have.
    """
    images = as_images(x, options)
    weights = frequency_weights(images, options)
    energies = real_spectra(images).square().mean(1) @ weights
    if area is None:
        return energies
    count = as_images(area.to(images.dtype), options).sum((2, 3)).clamp_min(1)
    return energies * (images[0, 0].numel() / count)


def as_images(x: Tensor, options: ContourletOptions) -> Tensor:
    """Lengthen the sides of a feature (N, C, H, W) to what the levels need."""
    return as_torus(x, contourlet_multiple(options.levels))


def real_spectra(x: Tensor) -> Tensor:
    """Transform images (N, C, H, W) to real numbers (N, C, 2F)."""
    return torch.view_as_real(torch.fft.rfft2(x)).flatten(2)


def frequency_weights(x: Tensor, options: ContourletOptions) -> Tensor:
    """Return what each real number of images' spectra counts.

    Args:
        x: images (N, C, H, W) as of :func:`as_images`.
        options: of the contourlet.

    Returns:
        (2F, B + 1): in the energy of each band, and in the energy below which a band
        counts as empty.
    """
    if torch.compiler.is_compiling():
        return _weights_like(x.detach(), *options)
    return _weights(tuple(x.shape[2:]), options, x.dtype, x.device)


# An operator, so that a graph looks weights up when it runs, for any size.
@torch.library.custom_op(
    "texture_kd::frequency_weights",
    mutates_args=(),
    schema="(Tensor x, SymInt[] levels, str pyramid, str directional) -> Tensor",
)
def _weights_like(
    x: Tensor, levels: Sequence[int], pyramid: str, directional: str
) -> Tensor:
    options = ContourletOptions(tuple(levels), pyramid, directional)
    # A graph may write its next result into what an operator returned.
    return _weights(tuple(x.shape[2:]), options, x.dtype, x.device).clone()


@_weights_like.register_fake
def _(x: Tensor, levels: Sequence[int], *_: str) -> Tensor:
    height, width = x.shape[2:]
    return x.new_empty(2 * height * (width // 2 + 1), sum(2**n for n in levels) + 1)


@kept_tensors(128)
def _weights(
    size: tuple[int, int],
    options: ContourletOptions,
    dtype: torch.dtype,
    device: torch.device,
) -> Tensor:
    bands = band_weights(size, *options)
    height, width = size
    mean_square = column_multiplicities(width, bands) / (height * width) ** 2
    floor = _FLOOR**2 * mean_square.expand(1, height, -1)
    weights = torch.cat([bands, floor]).flatten(1).mT
    return sent(weights.repeat_interleave(2, dim=0).to(dtype), device)


class Standardised(NamedTuple):
    """Bands that are divided by their rms.

    Attributes:
        floored: energies (2, C, B) of student and teacher that they are divided by.
        shares: energies (2, C, B) afterwards: 1, or less where they are floored.
        correlation: (C, B).
    """

    floored: Tensor
    shares: Tensor
    correlation: Tensor


def band_moments(student: Tensor, teacher: Tensor, weights: Tensor) -> Tensor:
    """Sum squares and products of two features' bands over images and positions.

    Args:
        student: spectra (N, C, 2F) of :func:`real_spectra`.
        teacher: the same of the teacher.
        weights: those of :func:`frequency_weights`.

    Returns:
        (3, C, B + 1): squares of the student's, of the teacher's, and products.
    """
    pairs = (student, student), (teacher, teacher), (student, teacher)
    # One after the other, so that only one of the products is there. On a CPU the other
    # order of factors is slower: the product is tall and narrow.
    moments = [weights.mT @ _summed_products(x, y).mT for x, y in pairs]
    return torch.stack(moments).mT


def _summed_products(x: Tensor, y: Tensor) -> Tensor:
    """Multiply, and sum over the first axis without a product of all of it."""
    total = x[0] * y[0]
    for own, other in zip(x[1:], y[1:], strict=True):
        total = total.addcmul_(own, other)
    return total


def standardised(moments: Tensor) -> Standardised:
    """Divide moments (3, C, B + 1) of :func:`band_moments` by the bands' rms."""
    energies, products = moments[:2], moments[2, :, :-1]
    floored = floored_energies(energies)
    student, teacher = floored.rsqrt()
    shares = energies[..., :-1] / floored
    return Standardised(floored, shares, products * student * teacher)


def floored_energies(energies: Tensor) -> Tensor:
    """Return energies (..., B) of bands to divide by.

    Args:
        energies: (..., B + 1) by :func:`frequency_weights`.

    Returns:
        Each at least what an empty band is taken to have, and 1 where there is nothing,
        or so little that its inverse has no place in the dtype.
    """
    floored = energies[..., :-1].maximum(energies[..., -1:])
    return floored.masked_fill(floored < 1e4 * torch.finfo(floored.dtype).tiny, 1)
