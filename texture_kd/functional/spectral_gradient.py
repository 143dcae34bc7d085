r"""Which frequencies of a feature move a frequency of the output: Eq. 10 to 12."""

import torch
from torch import Tensor


def spectral_gradient(value: Tensor, feature: Tensor) -> Tensor:
    r"""Differentiate values of a spectrum by the spectrum of a feature.

    .. math::

        \frac{\partial y(\nu_i)}{\partial x(\nu_j)} = (F J F^{-1})_{ij}

    with J the Jacobian of the network from feature to output and F the unnormalised
    transform: a row of the matrix for each value, by two vector-Jacobian products,
    those of its real and its imaginary part. The value may be any function of the
    feature:

    .. code-block:: python

        value = torch.fft.fft2(output)[:, channel, 3, 0]  # y(v_i), Eq. 10
        value = spectral_cross_entropy(logits, label)[:, 3, 0]  # L(v_i), Eq. 11

    Args:
        value: complex (N), a value for each image; or (N, F), several.
        feature: real (N, C, H, W) of any floating dtype, of which each image's values
            are computed, and no other image's: a network in training mode mixes them.

    Returns:
        Complex (N, C, H, W), or (N, F, C, H, W): for each channel its row, in the order
        of ``torch.fft.fft2``. In complex64 at least, not differentiable; the graph is
        kept.

    Raises:
        ValueError: the values are not complex or not one row an image.
        RuntimeError: by PyTorch, the values were not computed from this very tensor, or
            without gradients.
    """
    if not value.is_complex() or value.ndim not in (1, 2):
        raise ValueError(
            "expected complex values (N) or (N, F), got "
            f"{tuple(value.shape)} of {value.dtype}: take them from torch.fft.fft2 or "
            "spectral_cross_entropy"
        )
    if feature.ndim != 4 or len(feature) != len(value):
        raise ValueError(
            f"expected a feature (N, C, H, W) with N = {len(value)}, got "
            f"{tuple(feature.shape)}"
        )
    if value.ndim == 1:
        return _row(value, feature)
    return torch.stack([_row(column, feature) for column in value.unbind(1)], dim=1)


def spectral_concentration(row: Tensor, frequency: tuple[int, int]) -> Tensor:
    r"""Return the share of a row's energy at one frequency.

    .. math::

        \frac{|g_{ii}|^2}{\sum_j |g_{ij}|^2}

    It is 1 for a gradient that is a delta function, as Eq. 10 and 12 have it, and 1
    over the number of frequencies for one that is spread evenly.

    Args:
        row: (..., H, W) of :func:`spectral_gradient`.
        frequency: that of the value it belongs to, in periods along height and width;
            negative ones count from the end, as indices do.

    Returns:
        (...) from 0 to 1, NaN for a row of zeros.

    Raises:
        ValueError: the row has no such frequency.
    """
    size = tuple(row.shape[-2:])
    if any(not -n <= f < n for f, n in zip(frequency, size, strict=True)):
        raise ValueError(f"a row of {size} frequencies has no frequency {frequency}")
    energy = row.abs().square()
    return energy[(..., *frequency)] / energy.sum((-2, -1))


def _row(value: Tensor, feature: Tensor) -> Tensor:
    real, imaginary = (
        torch.autograd.grad(part.sum(), feature, retain_graph=True)[0]
        for part in (value.real, value.imag)
    )
    dtype = torch.promote_types(feature.dtype, torch.float32)
    return torch.fft.ifft2(torch.complex(real.to(dtype), imaginary.to(dtype)))
