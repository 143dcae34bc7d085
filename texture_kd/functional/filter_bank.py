"""Filter banks of periodic images: analysis and its adjoint, as PyTorch operators.

Each of the two operators is the other's derivative, so gradients of any order cost what
the transform costs. Being operators, they are single nodes to ``torch.compile``.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .aliasing import FilterBank, Lattice, filter_bank
from .directional_tree import directional_lattices


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


def as_coefficients(bands: Sequence[Tensor]) -> list[Tensor]:
    """Cast bands to one dtype, at least float32."""
    dtype = torch.float32
    for band in bands:
        dtype = torch.promote_types(dtype, band.dtype)
    return [band.to(dtype) for band in bands]


def check_shapes(
    name: str, bands: Sequence[Tensor], shapes: Sequence[Sequence[int]]
) -> None:
    """Check that bands belong together.

    Args:
        name: what they are.
        bands: bands of one decomposition.
        shapes: the shape of each that fits the first.

    Raises:
        ValueError: a band has another shape.
    """
    found = [tuple(band.shape) for band in bands]
    expected = [tuple(shape) for shape in shapes]
    if found != expected:
        raise ValueError(f"expected {name} of shapes {expected}, got {found}")


def crop(x: Tensor, size: Sequence[int], multiple: int) -> Tensor:
    """Undo the padding of :func:`as_torus`.

    Args:
        x: images (N, C, H', W').
        size: (H, W) before the padding.
        multiple: what the sides were padded to a multiple of.

    Returns:
        Images (N, C, H, W).

    Raises:
        ValueError: images of that size are not padded to those of ``x``.
    """
    padded = [n + -n % multiple for n in size]
    if padded != list(x.shape[-2:]):
        raise ValueError(
            f"expected bands of images of {size[0]} x {size[1]}, padded to "
            f"{padded[0]} x {padded[1]}; got those of {x.shape[-2]} x {x.shape[-1]}"
        )
    return x[..., : size[0], : size[1]]


@torch.library.custom_op("texture_kd::analyse", mutates_args=())
def analyse(
    x: Tensor,
    depths: Sequence[int],
    pyramid: str | None,
    directional: str,
    dual: bool,
) -> list[Tensor]:
    """Split periodic images into directional bands of several scales.

    Args:
        x: images (N, C, H, W), float32 or float64, whose sides are divisible by the
            lattices of all scales.
        depths: depth of the directional tree at each scale, finest first; at 0 the
            band-pass image of a scale is left out.
        pyramid: low-pass filters; None for one tree on the images themselves.
        directional: fan filters.
        dual: use the biorthogonal filters.

    Returns:
        For each scale of depth n > 0, two stacks of bands (N, C, K, H/a, W/b), one for
        each of :func:`directional_lattices`; and last, if there is a pyramid, the
        low-pass image (N, C, H/2^L, W/2^L).
    """
    bank = _bank(x, x.shape[-2:], depths, pyramid, directional, dual)
    batch = x.shape[:2]
    rows = _rows(x.flatten(0, 1))
    outputs = []
    for scale in bank.scales:
        spectra = [lattice.matrices @ _read(rows, lattice) for lattice in scale]
        for spectrum, lattice in zip(spectra, scale, strict=True):
            if lattice.bands:
                bands = _images(spectrum[:, : lattice.bands], lattice.size)
                outputs.append(bands.unflatten(1, batch).permute(1, 2, 0, 3, 4))
        rows = spectra[0][:, scale[0].bands :].flatten(0, 1)
    if pyramid is not None:
        low = rows.index_select(0, bank.low_rows)[:, None]
        outputs.append(_images(low, bank.low_size)[0].unflatten(0, batch))
    return outputs


@torch.library.custom_op("texture_kd::synthesise", mutates_args=())
def synthesise(
    bands: Sequence[Tensor],
    size: Sequence[int],
    depths: Sequence[int],
    pyramid: str | None,
    directional: str,
    dual: bool,
) -> Tensor:
    """Apply the adjoint of :func:`analyse`: fill up with zeros, filter, and add.

    Args:
        bands: what :func:`analyse` returns.
        size: (N, C, H, W) of the images.
        depths: depth of the directional tree at each scale, finest first.
        pyramid: low-pass filters; None for one tree without a pyramid.
        directional: fan filters.
        dual: use the biorthogonal filters: the adjoint of one bank inverts the other,
            but for what a pyramid's bands hold in excess.

    Returns:
        Images (N, C, H, W).
    """
    bank = _bank(bands[0], size[-2:], depths, pyramid, directional, dual)
    remaining = iter(bands)
    stacks = [
        [next(remaining) for lattice in scale if lattice.bands] for scale in bank.scales
    ]
    rows = None
    for low in remaining:
        rows = _rows(low.flatten(0, 1)).index_select(0, bank.low_frequencies)
    for scale, stacks_of_scale in reversed(list(zip(bank.scales, stacks, strict=True))):
        spectra = [_spectra(stack) for stack in stacks_of_scale]
        if rows is not None:
            low_rows = rows.unflatten(0, (len(scale[0].matrices), -1))
            spectra[:1] = [torch.cat([*spectra[:1], low_rows], dim=1)]
        rows = _write(scale[0].adjoints @ spectra[0], scale[0])
        for lattice, spectrum in zip(scale[1:], spectra[1:], strict=True):
            rows.add_(_write(lattice.adjoints @ spectrum, lattice))
    height, width = size[-2:]
    images = torch.fft.irfft2(
        rows.t().unflatten(1, (height, -1)), s=(height, width), norm="ortho"
    )
    return images.unflatten(0, size[:2])


def _bank(
    like: Tensor,
    size: Sequence[int],
    depths: Sequence[int],
    pyramid: str | None,
    directional: str,
    dual: bool,
) -> FilterBank:
    height, width = size
    return filter_bank(
        (height, width),
        tuple(depths),
        pyramid,
        directional,
        dual,
        like.dtype,
        like.device,
    )


def _rows(images: Tensor) -> Tensor:
    """Turn images (B, H, W) into the rows (H (W/2 + 1), B) of their spectrum."""
    # Matrices of one frequency each want the images side by side in memory.
    return torch.fft.rfft2(images, norm="ortho").flatten(1).t().contiguous()


def _spectra(stack: Tensor) -> Tensor:
    """Turn bands (N, C, K, H, W) into their spectra (F, K, N C)."""
    bands = stack.permute(2, 0, 1, 3, 4).flatten(0, 2)
    return _rows(bands).unflatten(1, (stack.shape[2], -1))


def _images(spectra: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn spectra (F, K, B) into images (K, B, H, W)."""
    spectra = spectra.unflatten(0, (size[0], -1)).permute(2, 3, 0, 1)
    return torch.fft.irfft2(spectra, s=size, norm="ortho")


def _read(rows: Tensor, lattice: Lattice) -> Tensor:
    """Read the aliases (F, S, B) of each frequency of a lattice from a spectrum."""
    aliases = rows.index_select(0, lattice.sources)
    return _conjugate_second_half(aliases.unflatten(0, (len(lattice.matrices), -1)))


def _write(aliases: Tensor, lattice: Lattice) -> Tensor:
    """Put aliases (F, S, B) together to a spectrum, the adjoint of reading them."""
    aliases = _conjugate_second_half(aliases)
    return aliases.flatten(0, 1).index_select(0, lattice.targets)


def _conjugate_second_half(aliases: Tensor) -> Tensor:
    aliases[:, aliases.shape[1] // 2 :].conj_physical_()
    return aliases


@analyse.register_fake
def _(
    x: Tensor,
    depths: Sequence[int],
    pyramid: str | None,
    directional: str,
    dual: bool,
) -> list[Tensor]:
    batch, (height, width) = x.shape[:2], x.shape[-2:]
    outputs = []
    for depth in depths:
        for a, b in directional_lattices(depth) if depth else ():
            shape = (max(2, 2 ** (depth - 1)), *batch, height // a, width // b)
            outputs.append(x.new_empty(shape).permute(1, 2, 0, 3, 4))
        height, width = height // 2, width // 2
    if pyramid is not None:
        outputs.append(x.new_empty(*batch, height, width))
    return outputs


@synthesise.register_fake
def _(
    bands: Sequence[Tensor],
    size: Sequence[int],
    depths: Sequence[int],
    pyramid: str | None,
    directional: str,
    dual: bool,
) -> Tensor:
    return bands[0].new_empty(size)


def _keep_shape(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    x, *ctx.options = inputs
    ctx.shape = x.shape


def _keep_options(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, _, *ctx.options = inputs


def _analysis_backward(ctx: Any, grads: list[Tensor]) -> tuple[Any, ...]:
    return synthesise(grads, ctx.shape, *ctx.options), None, None, None, None


def _synthesis_backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    return analyse(grad, *ctx.options), None, None, None, None, None


analyse.register_autograd(_analysis_backward, setup_context=_keep_shape)
synthesise.register_autograd(_synthesis_backward, setup_context=_keep_options)
