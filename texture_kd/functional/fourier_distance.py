r"""Distance of two maps by their spectra: Eq. 6 of LSFD."""

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from .choices import check_choice
from .frequencies import column_multiplicities
from .valid_area import valid_only

Part = Literal["reim", "abs"]


def fourier_distance(
    student: Tensor, teacher: Tensor, part: Part = "reim", area: Tensor | None = None
) -> Tensor:
    r"""Compare the two-dimensional spectra of maps.

    .. math::

        L_{FFT} = \| FFT(I^S) - FFT(I^T) \|_1

    (LSFD, Eq. 6), a mean over images, channels and frequencies, with the orthonormal
    transform: white noise has spectra of its own size, whatever the size of the map.
    The paper leaves open what the absolute value of a complex number is to be:

    - ``reim``: \|Re\| and \|Im\|, a mean over the two.
    - ``abs``: the modulus.

    Of padded images only what is inside of them is compared. A difference of constants
    would have an edge there, which leaks into all frequencies: each map's mean over its
    valid pixels is taken off first. It is not lost: the mean's difference is compared
    as frequency 0, with what that weighs in the spectrum of the image alone. Spectra
    are scaled so that white noise has them at its own size still, and images count by
    their valid pixels. A smooth texture's spectrum, blurred by the image's edges,
    differs from that of the image alone in detail; with all pixels valid the two are
    the same.

    Args:
        student: maps (N, C, H, W) of any floating dtype and unit.
        teacher: maps of the same shape.
        part: the absolute value.
        area: booleans (N, 1, H, W), true for pixels of the image, as
            :func:`~texture_kd.functional.valid_area` returns them; or None for all.
            What stands elsewhere has no influence and no gradient.

    Returns:
        The mean, a scalar with the unit of the maps, in float32 at least; 0 where
        nothing is valid. Nothing is detached.

    Raises:
        ValueError: ``part`` is unknown, or the shapes differ or are not
            four-dimensional.

    Example:
        >>> import torch
        >>> fourier_distance(torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)).item()
        0.125
    """
    check_choice("part", part, get_args(Part))
    if student.ndim != 4 or student.shape != teacher.shape:
        raise ValueError(
            "expected student and teacher of one shape (N, C, H, W), got "
            f"{tuple(student.shape)} and {tuple(teacher.shape)}"
        )
    dtype = torch.promote_types(student.dtype, torch.float32)
    # The transform is linear.
    difference = student.to(dtype) - teacher.to(dtype)
    if area is not None:
        return _distance_within(difference, area, part)
    sizes = _sizes(difference, part)
    return (sizes.mean((0, 1, 2)) * _shares(difference, sizes)).sum()


def _distance_within(difference: Tensor, area: Tensor, part: Part) -> Tensor:
    """Return the mean over valid pixels, from the spectra of an area."""
    difference = valid_only(difference, area)
    counts = area.sum((2, 3), keepdim=True).to(difference.dtype)
    mean = difference.sum((2, 3), keepdim=True) / counts.clamp_min(1)
    sizes = _sizes(valid_only(difference - mean, area), part)
    spectra = (sizes.mean((1, 2)) * _shares(difference, sizes)).sum(-1)
    # A mean is real.
    means = mean.abs().mean((1, 2, 3)) * (1 if part == "abs" else 0.5)
    side = math.sqrt(difference[0, 0].numel())
    of_images = counts.flatten().sqrt() * (side * spectra + means)
    return of_images.sum() / counts.sum().clamp_min(1)


def _sizes(maps: Tensor, part: Part) -> Tensor:
    """Return the absolute values of the spectra of maps."""
    spectrum = torch.fft.rfft2(maps, norm="ortho")
    if part == "abs":
        return spectrum.abs()
    return torch.view_as_real(spectrum).abs().mean(-1)


def _shares(maps: Tensor, sizes: Tensor) -> Tensor:
    """Return which share of the frequencies each column of the spectra stands for."""
    width = maps.shape[-1]
    return column_multiplicities(width, sizes) / width
