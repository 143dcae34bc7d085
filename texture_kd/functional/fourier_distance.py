r"""Distance of two maps by their spectra: Eq. 6 of LSFD."""

from typing import Literal, get_args

import torch
from torch import Tensor

from .choices import check_choice
from .frequencies import column_multiplicities

Part = Literal["reim", "abs"]


def fourier_distance(student: Tensor, teacher: Tensor, part: Part = "reim") -> Tensor:
    r"""Compare the two-dimensional spectra of maps.

    .. math::

        L_{FFT} = \| FFT(I^S) - FFT(I^T) \|_1

    (LSFD, Eq. 6), a mean over images, channels and frequencies, with the orthonormal
    transform: white noise has spectra of its own size, whatever the size of the map.
    The paper leaves open what the absolute value of a complex number is to be:

    - ``reim``: \|Re\| and \|Im\|, a mean over the two.
    - ``abs``: the modulus.

    Args:
        student: maps (N, C, H, W) of any floating dtype and unit.
        teacher: maps of the same shape.
        part: the absolute value.

    Returns:
        The mean, a scalar with the unit of the maps, in float32 at least. Nothing is
        detached.

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
    spectrum = torch.fft.rfft2(student.to(dtype) - teacher.to(dtype), norm="ortho")
    if part == "abs":
        size = spectrum.abs()
    else:
        size = torch.view_as_real(spectrum).abs().mean(-1)
    width = student.shape[-1]
    shares = column_multiplicities(width, size) / width
    return (size.mean((0, 1, 2)) * shares).sum()
