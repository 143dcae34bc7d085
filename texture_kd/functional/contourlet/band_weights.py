r"""How much of each frequency goes into each contourlet band.

Where a band samples, its aliases fold onto each other, and what that gives depends on
where the image begins: an image that is shifted by one pixel has other band energies.
Averaged over all shifts the aliases add up as energies, and the energy of a band is a
weighted power spectrum,

.. math:: E_b(x) = \sum_w W_b(w) |X(w)|^2.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from texture_kd.functional.frequencies import column_multiplicities, full_plane
from texture_kd.functional.kept_tensors import kept_tensors

from .directional_tree import equivalent_responses
from .filters import DirectionalFilter, PyramidFilter, pyramid_responses
from .transform import check_contourlet, contourlet_multiple


def band_weights(
    size: tuple[int, int],
    levels: Sequence[int] = (4, 3),
    pyramid: PyramidFilter = "maxflat",
    directional: DirectionalFilter = "dmaxflat7",
) -> Tensor:
    r"""Return what each frequency of images counts in the energies of contourlet bands.

    With X = ``torch.fft.rfft2(x)`` of an image, :math:`\sum_w W_b(w) |X(w)|^2` is the
    mean square of band b of :func:`contourlet`, averaged over all shifts of the image.
    At the first scale

    .. math::

        W_b(w) \propto |A_b(w)|^2, \qquad
        A_b(w) = T_b(w) - \frac{1}{4} H(w) \sum_{a \in \{0, \pi\}^2} T_b(w+a) G(w+a)

    with the equivalent response T_b of the directional tree and the two low-passes H
    and G of the pyramid; at n = 1, whose quincunx lattice folds two aliases and not
    four, the two halves of the sum give an energy each. The weights of the next scale
    are those of a first scale at 2w, times :math:`|H(w)|^2`, and so on. The mean of an
    image counts nothing.

    The weights of the last 128 sizes and options are kept.

    Args:
        size: height and width of the images, multiples of ``contourlet_multiple``.
        levels: depth n of the directional tree at each scale, finest first.
        pyramid: low-pass filters of the Laplacian pyramid.
        directional: fan filters of the directional filter bank.

    Returns:
        Weights (B, H, W/2 + 1) of the B = sum 2^n directional bands, never negative,
        float64 on the CPU; finest level first and in each the near-vertical before the
        near-horizontal bands. Nobody may change them.

    Raises:
        ValueError: a filter is unknown, ``levels`` is empty or holds a number below 1,
            or a side is not a multiple of what the levels need.

    Example:
        >>> import torch
        >>> x = torch.rand(32, 32, dtype=torch.float64)
        >>> spectrum = torch.fft.rfft2(x).abs().square()
        >>> (band_weights((32, 32), (3, 2)) * spectrum).sum((1, 2)).shape
        torch.Size([12])
    """
    check_contourlet(levels, pyramid, directional)
    multiple = contourlet_multiple(levels)
    if any(side % multiple for side in size) or min(size) < 1:
        raise ValueError(
            f"expected sides that are multiples of {multiple} for levels "
            f"{tuple(levels)}, got {tuple(size)}"
        )
    return _half_plane_weights(tuple(size), tuple(levels), pyramid, directional)


@kept_tensors(128)
def _half_plane_weights(
    size: tuple[int, int],
    levels: tuple[int, ...],
    pyramid: PyramidFilter,
    directional: DirectionalFilter,
) -> Tensor:
    height, width = size
    half = _plane_weights(size, levels, pyramid, directional)[..., : width // 2 + 1]
    weights = half * column_multiplicities(width, half) / (height * width) ** 2
    weights[..., 0, 0] = 0
    return weights


def _plane_weights(
    size: tuple[int, int],
    levels: tuple[int, ...],
    pyramid: PyramidFilter,
    directional: DirectionalFilter,
) -> Tensor:
    """Return the energy (B, H, W) that each band has of each frequency of the plane."""
    if not levels:
        return torch.empty(0, *size, dtype=torch.float64, device="cpu")
    bands = torch.cat(equivalent_responses(size, levels[0], directional))
    low, prediction, bands = (
        full_plane(half, size[1]) for half in (*pyramid_responses(size, pyramid), bands)
    )
    finest = _band_pass_energy(bands, low, prediction, folds=levels[0] > 1)
    half_size = size[0] // 2, size[1] // 2
    coarser = _plane_weights(half_size, levels[1:], pyramid, directional)
    return torch.cat([finest, low.abs().square() * coarser.repeat(1, 2, 2)])


def _band_pass_energy(
    bands: Tensor, low: Tensor, prediction: Tensor, folds: bool
) -> Tensor:
    """Return the energy that bands have of each frequency of the band-pass image.

    Args:
        bands: equivalent responses (B, H, W) of the directional tree.
        low: response (H, W) of the pyramid's analysis.
        prediction: that of its synthesis.
        folds: whether the sampling of the bands folds all four aliases of the pyramid.
            The quincunx lattice of a single level folds two and two.

    Returns:
        Energies (B, H, W).
    """
    rows, columns = bands.shape[-2] // 2, bands.shape[-1] // 2
    predicted = bands * prediction / 4
    near = predicted + predicted.roll((rows, columns), (-2, -1))
    far = near.roll(rows, -2)
    if folds:
        return (bands - low * (near + far)).abs().square()
    return (bands - low * near).abs().square() + (low * far).abs().square()
