"""The distance of a teacher's bands from those of a student whose channels are mixed.

Mixing channels commutes with the Fourier transform, so that the student's own few
channels are transformed, and their spectra mixed. Teachers have many channels: a block
of them after the other is transformed, compared and forgotten, and what the gradient
needs of it is computed while it is there.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from .band_correlation import (
    ContourletOptions,
    Standardised,
    as_images,
    band_moments,
    frequency_weights,
    real_spectra,
    standardised,
)

# Real numbers that a block of channels holds, about: on a CPU few enough for the caches
# and enough for quick products of matrices, on a GPU so that launches are few.
_REALS = {"cpu": 2**20}
_REALS_OF_A_GPU = 2**25
# More blocks than these would launch too often.
_BLOCKS = 16


# A gradient inside of a forward pass is nothing for a graph.
@torch.compiler.disable
def aligned_distance(
    student: Tensor,
    teacher: Tensor,
    mix: Tensor,
    options: ContourletOptions,
    band_weights: Tensor | None = None,
) -> Tensor:
    r"""Compare standardised contourlet bands of a student's mixed channels.

    .. math::

        L = \frac{1}{BC} \sum_{b, c} g_b d_{c,b}, \qquad
        d_{c,b} = 2 (1 - \rho_{c,b}(A s, t))

    with the correlations of :func:`band_correlation`. Where a band is floored, d is
    still the mean squared difference of the bands, each divided by its floored rms,
    which is 0 if both are empty. Autograd would keep all of the teacher's spectra;
    here nothing of their size is kept, and there are no second derivatives.

    Args:
        student: feature (N, K, H, W), in float32 or float64.
        teacher: feature (N, C, H, W) of the same dtype; no gradient flows into it.
        mix: A (C, K).
        options: of the contourlet.
        band_weights: g (B,), 1 by default.

    Returns:
        A scalar.

    Raises:
        RuntimeError: its gradient is asked for with ``create_graph=True``.
    """
    images = as_images(student, options)
    learnt = torch.is_grad_enabled()
    return _AlignedDistance.apply(
        images, mix, teacher.detach(), options, band_weights, learnt
    )


class _AlignedDistance(torch.autograd.Function):
    """Compute the gradient of each block of channels while its spectra are there."""

    @staticmethod
    def forward(
        ctx: Any,
        student: Tensor,
        mix: Tensor,
        teacher: Tensor,
        options: ContourletOptions,
        band_weights: Tensor | None,
        learnt: bool,
    ) -> Tensor:
        learnt = learnt and any(ctx.needs_input_grad[:2])
        spectra = real_spectra(student)
        weights = frequency_weights(student, options)
        of_spectra, of_mix = torch.zeros_like(spectra), torch.empty_like(mix)
        values = []
        for rows in _blocks(len(mix), spectra[:, 0]):
            block = as_images(teacher[:, rows], options)
            gradients = (of_spectra, of_mix[rows]) if learnt else None
            values.append(
                _block_distance(
                    spectra, block, mix[rows], weights, band_weights, gradients
                )
            )
        ctx.scale = 1 / (len(mix) * (weights.shape[1] - 1))
        if learnt:
            del spectra
            ctx.save_for_backward(_adjoint(of_spectra, student.shape), of_mix)
        return torch.stack(values).sum() * ctx.scale

    @staticmethod
    def backward(ctx: Any, factor: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "this distance has no second derivatives, which create_graph=True asks "
                "for: write the loss with texture_kd.functional.band_correlation"
            )
        of_student, of_mix = ctx.saved_tensors
        factor = factor * ctx.scale
        return factor * of_student, factor * of_mix, *[None] * 4


def _block_distance(
    student: Tensor,
    teacher: Tensor,
    mix: Tensor,
    weights: Tensor,
    band_weights: Tensor | None,
    gradients: tuple[Tensor, Tensor] | None,
) -> Tensor:
    """Return the distance, summed over the bands of a block of the teacher's channels.

    Args:
        student: spectra (N, K, 2F).
        teacher: images (N, C, H, W) of the block.
        mix: its rows (C, K).
        weights: those of the frequencies (2F, B + 1).
        band_weights: (B,), or None.
        gradients: of the student's spectra, to which the block's is added, and of the
            rows, which is written; or None.
    """
    block = real_spectra(teacher)
    matrices = mix.expand(len(student), -1, -1)
    mixed = matrices.bmm(student)
    bands = standardised(band_moments(mixed, block, weights))
    if gradients is not None:
        of_student, of_mix = gradients
        by_moments = _gradient(bands, band_weights)
        gradient = _pulled_back(by_moments, weights, mixed, block)
        of_student.baddbmm_(matrices.mT, gradient)
        torch.sum(gradient.bmm(student.mT), 0, out=of_mix)
    return _distance(bands, band_weights)


def _distance(bands: Standardised, band_weights: Tensor | None) -> Tensor:
    """Return the sum of the bands' mean squared differences."""
    distance = bands.shares.sum(0) - 2 * bands.correlation
    return (distance if band_weights is None else distance * band_weights).sum()


def _gradient(
    bands: Standardised, band_weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    r"""Return the gradient of the distance by the moments of the student.

    Of a student's energy E, floored to F, the distance has E/F - 2 \rho with \rho in
    proportion to F^{-1/2}, whose derivative by F is (\rho - E/F) / F.

    Returns:
        That by the sums of squares (C, B + 1), of which the last is what energies are
        floored to, and by the sums of products (C, B).
    """
    floored, shares = bands.floored[0], bands.shares[0]
    by_floored = (bands.correlation - shares) / floored
    ours, theirs = bands.floored.rsqrt()
    by_product = -2 * ours * theirs
    by_energy = 1 / floored
    if band_weights is not None:
        by_floored, by_energy, by_product = (
            x * band_weights for x in (by_floored, by_energy, by_product)
        )
    by_floor = by_floored * (shares < 1)
    by_energy = by_energy + by_floored - by_floor
    return torch.cat([by_energy, by_floor.sum(1, keepdim=True)], 1), by_product


def _pulled_back(
    by_moments: tuple[Tensor, Tensor], weights: Tensor, student: Tensor, teacher: Tensor
) -> Tensor:
    """Return the gradient (N, C, 2F) by the student's spectra, which is overwritten."""
    by_squares, by_products = by_moments
    student.mul_(2 * by_squares @ weights.mT)
    return student.addcmul_(teacher, by_products @ weights[:, :-1].mT)


def _blocks(channels: int, like: Tensor) -> Iterator[slice]:
    """Cut channels into blocks, each of whose maps has the spectra ``like`` (N, 2F)."""
    reals = _REALS.get(like.device.type, _REALS_OF_A_GPU)
    count = min(max(round(channels * like.numel() / reals), 1), _BLOCKS)
    size = math.ceil(channels / count)
    for start in range(0, channels, size):
        yield slice(start, start + size)


def _adjoint(spectra: Tensor, shape: torch.Size) -> Tensor:
    """Apply the adjoint of :func:`real_spectra` to (N, C, 2F), which is overwritten."""
    height, width = shape[2:]
    spectra = spectra.unflatten(2, (height, -1, 2))
    # The inverse transform adds the mirror images of frequencies that have one.
    spectra[:, :, :, 1 : (width + 1) // 2] /= 2
    half = torch.view_as_complex(spectra)
    options = dict(s=(height, width), norm="forward")
    if spectra.device.type != "cpu":
        return torch.fft.irfft2(half, **options)
    # One image after the other needs less memory.
    images = spectra.new_empty(shape)
    for image, rows in zip(images, half, strict=True):
        image.copy_(torch.fft.irfft2(rows, **options))
    return images
