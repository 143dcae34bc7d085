"""Counts, levels and cosines are as exact under autocast as without it."""

import pytest
import torch

from texture_kd.functional import (
    HistogramOptions,
    cosine_self_similarity,
    cut_regions,
    region_self_similarity,
    regions_of,
    texture_histogram,
)
from texture_kd.functional.quantization import Levels, count_levels, mix_levels

ROWS, PIXELS, COUNT = 2, 3000, 20


def intensities():
    return torch.rand(ROWS, PIXELS, generator=torch.Generator().manual_seed(0))


def levels():
    generator = torch.Generator().manual_seed(1)
    centres = torch.rand(ROWS, COUNT, generator=generator).sort(1).values
    return Levels(centres, torch.full_like(centres, 0.04))


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


def histogram(**options):
    def described(x):
        result = texture_histogram(x, HistogramOptions(count=COUNT, **options))
        return torch.cat([result.nodes.flatten(1), result.intensity], 1)

    return described


def of_regions(x):
    boxes = torch.tensor([[[0, 0, 20, 30], [3, 4, 9, 12]]]).expand(ROWS, -1, -1)
    regions = regions_of(boxes, (20, 30))
    return region_self_similarity(cut_regions(x, regions), regions)


CASES = {
    "count_levels": (lambda x: count_levels(x, levels()), [intensities()]),
    "count_levels, triangle": (
        lambda x: count_levels(x, levels(), "triangle"),
        [intensities()],
    ),
    "mix_levels": (
        lambda v, x: mix_levels(v, x, levels()),
        [noise(ROWS, 6, COUNT), intensities()],
    ),
    "texture_histogram": (histogram(), [noise(ROWS, PIXELS)]),
    "texture_histogram, uniform": (
        histogram(placement="uniform", theta=1.0),
        [noise(ROWS, PIXELS)],
    ),
    "texture_histogram, literal": (histogram(literal=True), [noise(ROWS, PIXELS)]),
    "region_self_similarity": (of_regions, [noise(ROWS, 32, 20, 30) + 1]),
    "cosine_self_similarity": (cosine_self_similarity, [noise(ROWS, 32, 20, 30) + 1]),
}


def outcome(function, inputs, forward, backward):
    """Result and gradients, each computed under autocast or not."""
    inputs = [x.clone().requires_grad_() for x in inputs]
    with torch.autocast("cpu", torch.bfloat16, enabled=forward):
        result = function(*inputs)
    weights = noise(*result.shape)
    with torch.autocast("cpu", torch.bfloat16, enabled=backward):
        grads = torch.autograd.grad((result * weights).sum(), inputs)
    return result, *grads


def check(name, **autocast):
    expected = outcome(*CASES[name], forward=False, backward=False)
    ours = outcome(*CASES[name], **autocast)
    for value, exact in zip(ours, expected, strict=True):
        assert value.dtype == torch.float32
        assert exact.norm() > 0
        scale = exact.abs().max().item()
        torch.testing.assert_close(value, exact, rtol=0, atol=1e-6 * scale)


@pytest.mark.parametrize("name", CASES)
def test_autocast_changes_nothing(name):
    check(name, forward=True, backward=False)


# PyTorch wants backward passes outside of autocast, and mix_levels relies on it.
@pytest.mark.parametrize("name", [name for name in CASES if name != "mix_levels"])
def test_nor_does_it_in_the_backward_pass(name):
    check(name, forward=True, backward=True)
