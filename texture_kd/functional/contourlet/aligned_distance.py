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
from torch.autograd.function import once_differentiable

from texture_kd.functional.frequencies import column_multiplicities

from .band_correlation import (
    ContourletOptions,
    as_images,
    band_moments,
    frequency_weights,
    real_spectra,
    standardised,
)

# Blocks hold a sixteenth of the channels, or of these real numbers, if that is more: on
# a CPU they stay near its caches, on a GPU launches are few.
_BLOCKS = 16
_REALS = {"cpu": 2**19}
_REALS_OF_A_GPU = 2**25


# A gradient inside of a forward pass is nothing for a graph.
@torch.compiler.disable
def aligned_distance(
    student: Tensor,
    teacher: Tensor,
    mix: Tensor,
    options: ContourletOptions,
    area: Tensor | None = None,
    band_weights: Tensor | None = None,
) -> Tensor:
    r"""Compare standardised contourlet bands of a student's mixed channels.

    .. math::

        L = \frac{1}{BC} \sum_{b, c} g_b d_{c,b}, \qquad
        d_{c,b} = 2 (1 - \rho_{c,b}(A s, t))

    with the correlations of :func:`band_correlation` and its floors. The value and the
    first derivatives are those of that function, which keeps all of the teacher's
    spectra for them; here nothing of their size is kept. There are no second ones.

    Args:
        student: feature (N, K, H, W), in float32 or float64.
        teacher: feature (N, C, H, W) of the same dtype; no gradient flows into it.
        mix: A (C, K).
        options: of the contourlet.
        area: where the features are valid, booleans (N, 1, H, W); None for everywhere.
        band_weights: g (B,), 1 by default.

    Returns:
        A scalar.
    """
    images = as_images(student, area, options)
    learnt = torch.is_grad_enabled()
    return _AlignedDistance.apply(
        images, mix, teacher.detach(), options, area, band_weights, learnt
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
        area: Tensor | None,
        band_weights: Tensor | None,
        learnt: bool,
    ) -> Tensor:
        learnt = learnt and any(ctx.needs_input_grad[:2])
        spectra = real_spectra(student)
        weights = frequency_weights(student, options)
        of_spectra, of_mix = torch.empty_like(spectra), torch.empty_like(mix)
        values = []
        for rows in _blocks(len(mix), spectra[:, 0]):
            block = real_spectra(as_images(teacher[:, rows], area, options))
            matrices = mix[rows].expand(len(spectra), -1, -1)
            mixed = matrices.bmm(spectra)
            moments = band_moments(mixed, block, weights)
            value, of_moments = _distance(moments, band_weights, learnt)
            values.append(value)
            if learnt:
                gradient = _pulled_back(of_moments @ weights.mT, mixed, block)
                # What is not written yet counts nothing.
                of_spectra.baddbmm_(matrices.mT, gradient, beta=min(rows.start, 1))
                torch.sum(gradient.bmm(spectra.mT), 0, out=of_mix[rows])
        scale = 1 / (len(mix) * moments.shape[2] - len(mix))
        if learnt:
            del spectra, block, mixed, gradient
            images = _adjoint(of_spectra, student.shape)
            ctx.save_for_backward(images.mul_(scale), of_mix.mul_(scale))
        return torch.stack(values).sum() * scale

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, factor: Tensor) -> tuple[Tensor | None, ...]:
        of_student, of_mix = ctx.saved_tensors
        return factor * of_student, factor * of_mix, *[None] * 5


def _distance(
    moments: Tensor, band_weights: Tensor | None, learnt: bool
) -> tuple[Tensor, Tensor]:
    """Return the sum of the distances, and its gradient by the moments."""
    moments.requires_grad_(learnt)
    with torch.set_grad_enabled(learnt):
        distance = standardised(moments).distance()
        if band_weights is not None:
            distance = distance * band_weights
        value = distance.sum()
    gradient = torch.autograd.grad(value, moments)[0] if learnt else moments
    return value.detach(), gradient


def _pulled_back(factors: Tensor, student: Tensor, teacher: Tensor) -> Tensor:
    """Return the gradient (N, C, 2F) of moments by the student, which is overwritten.

    Args:
        factors: of the three moments' terms, (3, C, 2F).
        student: spectra.
        teacher: spectra.
    """
    return student.mul_(2 * factors[0]).addcmul_(teacher, factors[2])


def _blocks(channels: int, like: Tensor) -> Iterator[slice]:
    """Cut channels into blocks, each of whose maps has the spectra ``like`` (N, 2F)."""
    reals = _REALS.get(like.device.type, _REALS_OF_A_GPU)
    size = max(math.ceil(channels / _BLOCKS), reals // like.numel())
    for start in range(0, channels, size):
        yield slice(start, start + size)


def _adjoint(spectra: Tensor, shape: torch.Size) -> Tensor:
    """Apply the adjoint of :func:`real_spectra` to (N, C, 2F), which is overwritten."""
    height, width = shape[2:]
    # The inverse transform adds the mirror images of frequencies that have one.
    spectra = spectra.unflatten(2, (height, -1, 2))
    spectra /= column_multiplicities(width, spectra)[:, None]
    half = torch.view_as_complex(spectra)
    options = dict(s=(height, width), norm="forward")
    if spectra.device.type != "cpu":
        return torch.fft.irfft2(half, **options)
    # One image after the other needs less memory.
    images = spectra.new_empty(shape)
    for image, rows in zip(images, half, strict=True):
        image.copy_(torch.fft.irfft2(rows, **options))
    return images
