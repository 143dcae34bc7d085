"""Sums over the bands of periodic images, as PyTorch operators.

By Parseval's theorem they need the bands' spectra and no inverse transform. They have
their derivatives among themselves, of any order, and keep images only: for a gradient
these are split into bands again. To ``torch.compile`` they are single nodes.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from .aliasing import FilterBank
from .filter_bank import band_lattices, bank_of, blocks_of
from .flops import spectral_flops
from .spectrum import merge, split, to_images, to_rows

# Schemas are spelt out as in filter_bank.py.
_OPTIONS = "SymInt[] depths, str pyramid, str directional"


@torch.library.custom_op(
    "texture_kd::band_energies",
    mutates_args=(),
    schema=f"(Tensor x, {_OPTIONS}) -> Tensor",
)
def band_energies(
    x: Tensor, depths: Sequence[int], pyramid: str, directional: str
) -> Tensor:
    """Sum the squares of the directional bands of periodic images.

    Args:
        x: images (N, C, H, W), as :func:`analyse` wants them.
        depths: depth of the directional tree at each scale, finest first, at least 1.
        pyramid: low-pass filters.
        directional: fan filters.

    Returns:
        Sums (N, K) over positions and channels, for all bands in the order of
        :func:`analyse`; by Parseval's theorem they are those of the spectra.
    """
    return _summed([x], depths, pyramid, directional)


@torch.library.custom_op(
    "texture_kd::band_products",
    mutates_args=(),
    schema=f"(Tensor x, Tensor y, {_OPTIONS}) -> Tensor",
)
def band_products(
    x: Tensor, y: Tensor, depths: Sequence[int], pyramid: str, directional: str
) -> Tensor:
    """Sum the products of the directional bands of two periodic images.

    Args:
        x: images (N, C, H, W), as :func:`analyse` wants them.
        y: images of the same shape.
        depths: depth of the directional tree at each scale, finest first, at least 1.
        pyramid: low-pass filters.
        directional: fan filters.

    Returns:
        Sums (N, K), as of :func:`band_energies`.
    """
    return _summed([x, y], depths, pyramid, directional)


@torch.library.custom_op(
    "texture_kd::weigh_bands",
    mutates_args=(),
    schema=f"(Tensor x, Tensor weights, {_OPTIONS}) -> Tensor",
)
def weigh_bands(
    x: Tensor,
    weights: Tensor,
    depths: Sequence[int],
    pyramid: str,
    directional: str,
) -> Tensor:
    """Split periodic images into bands, weigh these, and apply the adjoint.

    It is the derivative of :func:`band_products` by the other image.

    Args:
        x: images (N, C, H, W), as :func:`analyse` wants them.
        weights: a factor (N, K) for each band.
        depths: depth of the directional tree at each scale, finest first, at least 1.
        pyramid: low-pass filters.
        directional: fan filters.

    Returns:
        Images (N, C, H, W).
    """
    bank = _isometric(x, depths, pyramid, directional)
    # Contiguous, whatever x is: blocks of it are written to.
    output = x.new_empty(x.shape)
    factors = weights[:, None].expand(*x.shape[:2], -1)
    sizes = [lattice.bands for scale in bank.scales for lattice in scale]
    for images, factor, target in blocks_of(x, factors, output):
        spectra = _spectra(images, bank)
        factors_of = factor.mT[..., None].contiguous().split(sizes)
        for spectrum, f in zip(spectra, factors_of, strict=True):
            torch.view_as_real(spectrum).mul_(f)
        low = spectra[0].new_zeros(len(bank.low_rows), len(images))
        rows = merge(spectra, low, bank)
        target.copy_(to_images(rows[:, None], x.shape[-2:])[:, 0])
    return output


def _summed(
    factors: Sequence[Tensor], depths: Sequence[int], pyramid: str, directional: str
) -> Tensor:
    """Sum the products of the bands of two images, or the squares of one's: (N, K)."""
    batch = factors[0].shape[:2]
    bank = _isometric(factors[0], depths, pyramid, directional)
    sums = factors[0].new_empty(*batch, _count(depths))
    for *blocks, target in blocks_of(*factors, sums):
        spectra = [_spectra(block, bank) for block in blocks]
        # Over frequencies, and then over real and imaginary parts: a sum over the last
        # dimension, of two, is slow.
        stacks = [
            (torch.view_as_real(a) * torch.view_as_real(b)).sum(0)
            for a, b in zip(spectra[0], spectra[-1], strict=True)
        ]
        target.copy_(torch.cat(stacks).sum(2).mT)
    return sums.sum(1)


def _isometric(
    x: Tensor, depths: Sequence[int], pyramid: str, directional: str
) -> FilterBank:
    return bank_of(x, x.shape[-2:], depths, pyramid, directional, isometric=True)


def _spectra(images: Tensor, bank: FilterBank) -> list[Tensor]:
    """Return spectra (F, K, B) of bands, whose low-pass image is left out."""
    return split(to_rows(images[:, None])[:, 0], bank)[0]


def _count(depths: Sequence[int]) -> int:
    """Return the number of bands, of which a single one of a tree comes as two."""
    return sum(max(a, b) for _, a, b in band_lattices(depths))


@band_energies.register_fake
def _(x: Tensor, depths: Sequence[int], pyramid: str, directional: str) -> Tensor:
    return x.new_empty(x.shape[0], _count(depths))


@band_products.register_fake
def _(
    x: Tensor, y: Tensor, depths: Sequence[int], pyramid: str, directional: str
) -> Tensor:
    return x.new_empty(x.shape[0], _count(depths))


@weigh_bands.register_fake
def _(x: Tensor, weights: Tensor, *_: Any) -> Tensor:
    return x.new_empty(x.shape)


@register_flop_formula(torch.ops.texture_kd.band_energies)
def _(x: Sequence[int], depths: Sequence[int], pyramid: str, *_: Any, **__: Any) -> int:
    return spectral_flops(x, depths, pyramid)


@register_flop_formula(
    [torch.ops.texture_kd.band_products, torch.ops.texture_kd.weigh_bands]
)
def _(
    x: Sequence[int],
    y: Sequence[int],
    depths: Sequence[int],
    pyramid: str,
    *_: Any,
    **__: Any,
) -> int:
    return 2 * spectral_flops(x, depths, pyramid)


def _keep_inputs(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, depths, pyramid, directional = inputs
    ctx.save_for_backward(*tensors)
    ctx.options = depths, pyramid, directional


def _energies_backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    (x,) = ctx.saved_tensors
    return weigh_bands(x, 2 * grad, *ctx.options), None, None, None


def _products_backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    x, y = ctx.saved_tensors
    of_x, of_y = ctx.needs_input_grad[:2]
    return (
        weigh_bands(y, grad, *ctx.options) if of_x else None,
        weigh_bands(x, grad, *ctx.options) if of_y else None,
        *[None] * 3,
    )


def _weigh_backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    x, weights = ctx.saved_tensors
    of_x, of_weights = ctx.needs_input_grad[:2]
    return (
        weigh_bands(grad, weights, *ctx.options) if of_x else None,
        band_products(grad, x, *ctx.options) if of_weights else None,
        *[None] * 3,
    )


band_energies.register_autograd(_energies_backward, setup_context=_keep_inputs)
band_products.register_autograd(_products_backward, setup_context=_keep_inputs)
weigh_bands.register_autograd(_weigh_backward, setup_context=_keep_inputs)
