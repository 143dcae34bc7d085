"""Filter banks of periodic images, as PyTorch operators.

An analysis and its adjoint are each other's derivative, and sums over bands have
derivatives among themselves: gradients of any order cost what the transform costs, or
twice that. Being operators, they are single nodes to ``torch.compile``.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from .aliasing import FilterBank, filter_bank
from .directional_tree import directional_lattices
from .flops import inverse_flops, spectral_flops
from .spectrum import merge, split, to_images, to_rows

# Schemas are spelt out: PyTorch 2.6 does not infer them from these annotations.
_OPTIONS = "SymInt[] depths, str? pyramid, str? directional"
_FILTERS = "SymInt[] depths, str pyramid, str directional"


@torch.library.custom_op(
    "texture_kd::analyse",
    mutates_args=(),
    schema=f"(Tensor x, {_OPTIONS}, bool dual) -> Tensor[]",
)
def analyse(
    x: Tensor,
    depths: Sequence[int],
    pyramid: str | None,
    directional: str | None,
    dual: bool,
) -> list[Tensor]:
    """Split periodic images into directional bands of several scales.

    Args:
        x: images (N, C, H, W), float32 or float64, whose sides are divisible by the
            lattices of all scales.
        depths: depth of the directional tree at each scale, finest first; at 0 the
            band-pass image of a scale is left out.
        pyramid: low-pass filters; None for one tree on the images themselves.
        directional: fan filters; None without directional trees.
        dual: use the biorthogonal filters.

    Returns:
        For each scale of depth n > 0, two stacks of bands (N, C, K, H/a, W/b), one for
        each of :func:`directional_lattices`; and last, if there is a pyramid, the
        low-pass image (N, C, H/2^L, W/2^L).
    """
    bank = _bank(x, x.shape[-2:], depths, pyramid, directional, dual=dual)
    outputs = _empty_bands(x, depths, pyramid)
    for images, *bands in _blocks(x, *outputs):
        spectra, low = split(to_rows(images[:, None])[:, 0], bank)
        if pyramid is not None:
            low = low.index_select(0, bank.low_rows)[:, None]
            image = bands.pop()
            image.copy_(to_images(low, image.shape[-2:])[:, 0])
        for stack in bands:
            stack.copy_(to_images(spectra.pop(0), stack.shape[-2:]))
    return outputs


@torch.library.custom_op(
    "texture_kd::synthesise",
    mutates_args=(),
    schema=f"(Tensor[] bands, SymInt[] shape, {_OPTIONS}, bool dual) -> Tensor",
)
def synthesise(
    bands: Sequence[Tensor],
    shape: Sequence[int],
    depths: Sequence[int],
    pyramid: str | None,
    directional: str | None,
    dual: bool,
) -> Tensor:
    """Apply the adjoint of :func:`analyse`: fill up with zeros, filter, and add.

    Args:
        bands: what :func:`analyse` returns.
        shape: (N, C, H, W) of the images.
        depths: depth of the directional tree at each scale, finest first.
        pyramid: low-pass filters; None for one tree without a pyramid.
        directional: fan filters; None without directional trees.
        dual: use the biorthogonal filters: the adjoint of one bank inverts the other,
            but for what a pyramid's bands hold in excess.

    Returns:
        Images (N, C, H, W).
    """
    bank = _bank(bands[0], shape[-2:], depths, pyramid, directional, dual=dual)
    output = bands[0].new_empty(shape)
    for images, *blocks in _blocks(output, *bands):
        low = None
        if pyramid is not None:
            low = to_rows(blocks.pop()[:, None])[:, 0]
            low = low.index_select(0, bank.low_frequencies)
        rows = merge([to_rows(stack) for stack in blocks], low, bank)
        images.copy_(to_images(rows[:, None], shape[-2:])[:, 0])
    return output


@torch.library.custom_op(
    "texture_kd::band_energies",
    mutates_args=(),
    schema=f"(Tensor x, {_FILTERS}) -> Tensor",
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
    bank = _isometric(x, depths, pyramid, directional)
    sums = x.new_empty(*x.shape[:2], _count(depths))
    for images, target in _blocks(x, sums):
        squares = [torch.view_as_real(s).square() for s in _spectra(images, bank)]
        target.copy_(_sums(squares))
    return sums.sum(1)


@torch.library.custom_op(
    "texture_kd::band_products",
    mutates_args=(),
    schema=f"(Tensor x, Tensor y, {_FILTERS}) -> Tensor",
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
    bank = _isometric(x, depths, pyramid, directional)
    sums = x.new_empty(*x.shape[:2], _count(depths))
    for first, second, target in _blocks(x, y, sums):
        pairs = zip(_spectra(first, bank), _spectra(second, bank), strict=True)
        products = [torch.view_as_real(a) * torch.view_as_real(b) for a, b in pairs]
        target.copy_(_sums(products))
    return sums.sum(1)


@torch.library.custom_op(
    "texture_kd::weigh_bands",
    mutates_args=(),
    schema=f"(Tensor x, Tensor weights, {_FILTERS}) -> Tensor",
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
    for images, factor, target in _blocks(x, factors, output):
        spectra = _spectra(images, bank)
        factors_of = factor.mT[..., None].contiguous().split(sizes)
        for spectrum, f in zip(spectra, factors_of, strict=True):
            torch.view_as_real(spectrum).mul_(f)
        low = spectra[0].new_zeros(len(bank.low_rows), len(images))
        rows = merge(spectra, low, bank)
        target.copy_(to_images(rows[:, None], x.shape[-2:])[:, 0])
    return output


def _isometric(
    x: Tensor, depths: Sequence[int], pyramid: str, directional: str
) -> FilterBank:
    return _bank(x, x.shape[-2:], depths, pyramid, directional, isometric=True)


def _spectra(images: Tensor, bank: FilterBank) -> list[Tensor]:
    """Return spectra (F, K, B) of bands, whose low-pass image is left out."""
    return split(to_rows(images[:, None])[:, 0], bank)[0]


def _sums(products: Sequence[Tensor]) -> Tensor:
    """Sum (F, K, B, 2) over frequencies, for the bands of all stacks: (B, K)."""
    # Each on its own: a sum over the last dimension, of two, is slow.
    return torch.cat([product.sum(0) for product in products]).sum(2).mT


def _count(depths: Sequence[int]) -> int:
    """Return the number of bands, of which a single one of a tree comes as two."""
    return sum(max(a, b) for _, a, b in _lattices(depths))


def _empty_bands(x: Tensor, depths: Sequence[int], pyramid: str | None) -> list[Tensor]:
    *batch, height, width = x.shape
    bands = [
        x.new_empty(*batch, max(a, b), (height >> i) // a, (width >> i) // b)
        for i, a, b in _lattices(depths)
    ]
    if pyramid is not None:
        bands.append(x.new_empty(*batch, height >> len(depths), width >> len(depths)))
    return bands


def _lattices(depths: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """List scale and sampling steps of each stack of bands."""
    for i, depth in enumerate(depths):
        for a, b in directional_lattices(depth) if depth else ():
            yield i, a, b


def _blocks(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Cut tensors (N, C, ...), images the first, into blocks (B, ...) of images.

    On a CPU, blocks of half a million pixels or more keep the work near its caches and
    the memory small. There are eight at most, so that launches don't grow in number.
    """
    images = [tensor.flatten(0, 1) for tensor in tensors]
    size = count = len(images[0])
    if images[0].device.type == "cpu":
        size = max(math.ceil(count / 8), 2**19 // images[0][0].numel())
    return zip(*(tensor.split(size) for tensor in images), strict=True)


def _bank(
    like: Tensor,
    size: Sequence[int],
    depths: Sequence[int],
    pyramid: str | None,
    directional: str | None,
    **kind: bool,
) -> FilterBank:
    height, width = size
    options = tuple(depths), pyramid, directional
    return filter_bank((height, width), *options, like.dtype, like.device, **kind)


@analyse.register_fake
def _(
    x: Tensor,
    depths: Sequence[int],
    pyramid: str | None,
    directional: str | None,
    dual: bool,
) -> list[Tensor]:
    return _empty_bands(x, depths, pyramid)


@synthesise.register_fake
def _(
    bands: Sequence[Tensor],
    shape: Sequence[int],
    depths: Sequence[int],
    pyramid: str | None,
    directional: str | None,
    dual: bool,
) -> Tensor:
    return bands[0].new_empty(shape)


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


@register_flop_formula(torch.ops.texture_kd.analyse)
def _(
    x: Sequence[int], depths: Sequence[int], pyramid: str | None, *_: Any, **__: Any
) -> int:
    return spectral_flops(x, depths, pyramid) + inverse_flops(x, depths, pyramid)


@register_flop_formula(torch.ops.texture_kd.synthesise)
def _(
    bands: Sequence[Any],
    shape: Sequence[int],
    depths: Sequence[int],
    pyramid: str | None,
    *_: Any,
    **__: Any,
) -> int:
    return spectral_flops(shape, depths, pyramid) + inverse_flops(
        shape, depths, pyramid
    )


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


def _keep_shape(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    x, *ctx.options = inputs
    ctx.shape = x.shape


def _keep_options(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, _, *ctx.options = inputs


def _derive(forward: Any, adjoint: Any, options: int) -> None:
    """Make two linear operators each other's derivative."""

    def forward_backward(ctx: Any, grads: list[Tensor]) -> tuple[Any, ...]:
        return adjoint(grads, ctx.shape, *ctx.options), *[None] * options

    def adjoint_backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        return forward(grad, *ctx.options), None, *[None] * options

    forward.register_autograd(forward_backward, setup_context=_keep_shape)
    adjoint.register_autograd(adjoint_backward, setup_context=_keep_options)


_derive(analyse, synthesise, options=4)


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


# Energies and products keep their images only, and are split again for a gradient.
band_energies.register_autograd(_energies_backward, setup_context=_keep_inputs)
band_products.register_autograd(_products_backward, setup_context=_keep_inputs)
weigh_bands.register_autograd(_weigh_backward, setup_context=_keep_inputs)
