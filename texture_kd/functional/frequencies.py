"""Frequencies of images, and the shells of equal frequency."""

from typing import Literal, get_args

import torch
from torch import Tensor

from .choices import check_choice

Shell = Literal["chebyshev", "radial"]


def column_multiplicities(width: int, like: Tensor) -> Tensor:
    """Count how often the columns of a half plane occur in the whole plane.

    A column stands for itself and its mirror image, but for the first and, where the
    width is even, the last, which are their own.

    Args:
        width: of the images.
        like: gives the dtype and the device.

    Returns:
        Ones and twos (W/2 + 1).
    """
    counts = like.new_full((width // 2 + 1,), 2)
    counts[0] = 1
    if width % 2 == 0:
        counts[-1] = 1
    return counts


def full_plane(half: Tensor, width: int) -> Tensor:
    """Complete the spectra of real images from those of ``torch.fft.rfft2``.

    Args:
        half: complex spectra (..., H, W/2 + 1) with x(-v) = conj(x(v)).
        width: W.

    Returns:
        The spectra (..., H, W), in the order of ``torch.fft.fft2``.
    """
    mirrored = half[..., 1 : (width + 1) // 2].flip(-1, -2).roll(1, dims=-2).conj()
    return torch.cat([half, mirrored], dim=-1)


def shell_sums(half: Tensor, width: int, shell: Shell = "chebyshev") -> Tensor:
    r"""Sum what belongs to the frequencies of real images over each shell.

    - ``chebyshev``: shell k has the frequencies with max(\|f_y\|, \|f_x\|) = k. Those
      up to k are what a grid of (2k + 1) x (2k + 1) samples can hold.
    - ``radial``: shell k has those with k - 1 < \|f\| <= k.

    Frequencies are counted in periods an image.

    Args:
        half: real values (..., H, W/2 + 1), one for each frequency of the half plane;
            those of the other half are the same.
        width: W.
        shell: what is a shell.

    Returns:
        Sums over the whole plane (..., K); with ``chebyshev``, K = max(H, W) // 2 + 1.

    Raises:
        ValueError: ``shell`` is unknown.
    """
    index = _half_plane_shells((half.shape[-2], width), shell).to(half.device)
    values = (half * column_multiplicities(width, half)).flatten(-2)
    sums = values.new_zeros((*values.shape[:-1], int(index.max()) + 1))
    return sums.index_add(-1, index.flatten(), values)


def magnitude_profile(x: Tensor, shell: Shell = "chebyshev") -> Tensor:
    r"""Average the magnitudes of spectra over channels and shells.

    It is the \|b(v)\| and the \|y(v)\| of Fig. 1 of the spectral analysis, before they
    are divided by their largest value.

    Args:
        x: maps (N, C, H, W), real, of any floating dtype.
        shell: what is a shell, see :func:`shell_sums`.

    Returns:
        (N, K) with the unit of the maps times pixels, in float32 at least.

    Raises:
        ValueError: ``shell`` is unknown.
    """
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    width = x.shape[-1]
    magnitude = torch.fft.rfft2(x).abs().mean(1)
    ones = torch.ones_like(magnitude[:1])
    return shell_sums(magnitude, width, shell) / shell_sums(ones, width, shell)


def _half_plane_shells(size: tuple[int, int], shell: Shell) -> Tensor:
    check_choice("shell", shell, get_args(Shell))
    height, width = size
    # Rounded, for those of 49 rows are no whole numbers otherwise.
    rows = torch.fft.fftfreq(height, 1 / height, dtype=torch.float64).abs().round()
    rows = rows[:, None]
    columns = torch.arange(width // 2 + 1, dtype=torch.float64)
    if shell == "radial":
        return torch.hypot(rows, columns).ceil().long()
    return torch.maximum(rows, columns).long()
