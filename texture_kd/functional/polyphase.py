"""Filter banks on the torus, in polyphase form.

An image is periodic here: convolutions are circular. A band is the circular convolution
of an image with one filter, sampled on a rectangular lattice; in the frequency domain
all bands of one lattice are a small matrix times the image's polyphase components.
"""

from typing import Any

import torch
from torch import Tensor


def as_torus(x: Tensor, multiple: int) -> Tensor:
    """Cast an image to at least float32 and pad it to a multiple of ``multiple``.

    The last row and the last column are repeated below and to the right, so that a
    constant image stays constant.

    Args:
        x: images (N, C, H, W) of any floating dtype.
        multiple: what both sides must be divisible by.

    Returns:
        Images (N, C, H', W') in float32, or float64 for float64 images.

    Raises:
        ValueError: ``x`` has not four dimensions, is not floating point, or is empty.
    """
    if x.ndim != 4 or not x.is_floating_point():
        raise ValueError(
            "expected a floating point tensor (N, C, H, W), "
            f"got {x.dtype} with shape {tuple(x.shape)}"
        )
    if x.numel() == 0:
        raise ValueError(f"expected a non-empty tensor, got shape {tuple(x.shape)}")
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    for dim in (-2, -1):
        missing = -x.shape[dim] % multiple
        if missing:
            edge = x.narrow(dim, x.shape[dim] - 1, 1)
            x = torch.cat([x, *[edge] * missing], dim)
    return x


def polyphase_matrices(
    responses: Tensor, lattice: tuple[int, int], dtype: torch.dtype
) -> Tensor:
    r"""Turn K filters followed by sampling into one small matrix a frequency.

    An image has a b polyphase components, x_s[i] = x[L i + s] with L = diag(a, b), and
    a band is a sum of circular convolutions of all of them:

    .. math:: y_k[j] = \sum_n t_k[L j - n] x[n] = \sum_s (t_{k,s} * x_s)[j],
        \qquad t_{k,s}[i] = t_k[L i - s].

    Args:
        responses: frequency responses (K, H, W) of real filters, complex128.
        lattice: (a, b), the sampling steps along rows and columns.
        dtype: dtype of the images, float32 or float64.

    Returns:
        Complex matrices (F, K, a b), one for each of the F = H/a (W/(2b) + 1)
        frequencies that the Fourier transform of a real image of H/a by W/b keeps.
    """
    a, b = lattice
    bands, height, width = responses.shape
    # Frequencies with their signs turned read the filters backwards, t[-n].
    backwards = torch.fft.ifft2(responses.conj()).real
    components = backwards.reshape(bands, height // a, a, width // b, b)
    matrices = torch.fft.rfft2(components, dim=(1, 3)).conj()
    matrices = matrices.permute(1, 3, 0, 2, 4).reshape(-1, bands, a * b)
    return matrices.to(dtype.to_complex()).resolve_conj()


def analyse(x: Tensor, matrices: Tensor, lattice: tuple[int, int]) -> Tensor:
    """Filter periodic images and sample them: critically if K = a b.

    Args:
        x: images (N, C, H, W), float32 or float64.
        matrices: what :func:`polyphase_matrices` returned.
        lattice: (a, b), the lattice of the matrices.

    Returns:
        Bands (N, C, K, H/a, W/b).
    """
    return _Analysis.apply(x, matrices, lattice)


def synthesise(bands: Tensor, matrices: Tensor, lattice: tuple[int, int]) -> Tensor:
    """Apply the adjoint of :func:`analyse`: fill up with zeros, filter, and add.

    Args:
        bands: bands (N, C, K, H/a, W/b), float32 or float64.
        matrices: what :func:`polyphase_matrices` returned for the conjugate responses
            of the filters that are to be applied.
        lattice: (a, b), the lattice of the matrices.

    Returns:
        Images (N, C, H, W).
    """
    return _Synthesis.apply(bands, matrices, lattice)


class _Analysis(torch.autograd.Function):
    # Each of the two is the other's derivative. Left to autograd, the derivative of
    # rfft2 would be a complex transform of the full size.

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, matrices: Tensor, lattice: tuple[int, int]
    ) -> Tensor:
        ctx.save_for_backward(matrices)
        ctx.lattice = lattice
        a, b = lattice
        *batch, height, width = x.shape
        size = height // a, width // b
        components = x.reshape(-1, size[0], a, size[1], b).permute(0, 2, 4, 1, 3)
        bands = _mix(components.flatten(1, 2), matrices)
        return bands.unflatten(0, batch)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return synthesise(grad, *ctx.saved_tensors, ctx.lattice), None, None


class _Synthesis(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, bands: Tensor, matrices: Tensor, lattice: tuple[int, int]
    ) -> Tensor:
        ctx.save_for_backward(matrices)
        ctx.lattice = lattice
        a, b = lattice
        *batch, _, height, width = bands.shape
        components = _mix(bands.flatten(0, -4), matrices.mH)
        components = components.unflatten(1, (a, b)).permute(0, 3, 1, 4, 2)
        return components.reshape(*batch, a * height, b * width)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return analyse(grad, *ctx.saved_tensors, ctx.lattice), None, None


def _mix(x: Tensor, matrices: Tensor) -> Tensor:
    size = (x.shape[-2], x.shape[-1])
    spectrum = torch.fft.rfft2(x)
    mixed = torch.einsum("bsf,fks->bkf", spectrum.flatten(2), matrices)
    return torch.fft.irfft2(mixed.unflatten(2, spectrum.shape[-2:]), s=size)
