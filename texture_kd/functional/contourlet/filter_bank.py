"""Filter banks of periodic images, as PyTorch operators.

They are a pair, an analysis and its adjoint, each of which is the other's derivative:
gradients of any order cost what the transform costs. Being operators, they are single
nodes to ``torch.compile``.
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
    bank = bank_of(x, x.shape[-2:], depths, pyramid, directional, dual=dual)
    outputs = _empty_bands(x, depths, pyramid)
    for images, *bands in blocks_of(x, *outputs):
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
    bank = bank_of(bands[0], shape[-2:], depths, pyramid, directional, dual=dual)
    output = bands[0].new_empty(shape)
    for images, *blocks in blocks_of(output, *bands):
        low = None
        if pyramid is not None:
            low = to_rows(blocks.pop()[:, None])[:, 0]
            low = low.index_select(0, bank.low_frequencies)
        rows = merge([to_rows(stack) for stack in blocks], low, bank)
        images.copy_(to_images(rows[:, None], shape[-2:])[:, 0])
    return output


def _empty_bands(x: Tensor, depths: Sequence[int], pyramid: str | None) -> list[Tensor]:
    *batch, height, width = x.shape
    bands = [
        x.new_empty(*batch, max(a, b), (height >> i) // a, (width >> i) // b)
        for i, a, b in band_lattices(depths)
    ]
    if pyramid is not None:
        bands.append(x.new_empty(*batch, height >> len(depths), width >> len(depths)))
    return bands


def band_lattices(depths: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """List scale and sampling steps of each stack of bands."""
    for i, depth in enumerate(depths):
        for a, b in directional_lattices(depth) if depth else ():
            yield i, a, b


def blocks_of(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Cut tensors (N, C, ...), images the first, into blocks (B, ...) of images.

    On a CPU, blocks of half a million pixels or more keep the work near its caches and
    the memory small. There are eight at most, so that launches don't grow in number.
    """
    images = [tensor.flatten(0, 1) for tensor in tensors]
    size = count = len(images[0])
    if images[0].device.type == "cpu":
        size = max(math.ceil(count / 8), 2**19 // images[0][0].numel())
    return zip(*(tensor.split(size) for tensor in images), strict=True)


def bank_of(
    like: Tensor,
    size: Sequence[int],
    depths: Sequence[int],
    pyramid: str | None,
    directional: str | None,
    **kind: bool,
) -> FilterBank:
    """Prepare the filters for images of a size, of the dtype and device of a tensor."""
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


def _keep_shape(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    x, *ctx.options = inputs
    ctx.shape = x.shape


def _keep_options(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, _, *ctx.options = inputs


def _analyse_backward(ctx: Any, grads: list[Tensor]) -> tuple[Any, ...]:
    return synthesise(grads, ctx.shape, *ctx.options), *[None] * 4


def _synthesise_backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    return analyse(grad, *ctx.options), *[None] * 5


analyse.register_autograd(_analyse_backward, setup_context=_keep_shape)
synthesise.register_autograd(_synthesise_backward, setup_context=_keep_options)
