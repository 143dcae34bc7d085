import math

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from texture_kd.functional import (
    contourlet,
    contourlet_energies,
    contourlet_products,
    inverse_contourlet,
)
from texture_kd.functional.aliasing import filter_bank


def count(function, *inputs):
    with FlopCounterMode(display=False) as counter:
        function(*inputs)
    return counter.get_total_flops()


def fourier(*shape):
    return 2.5 * math.prod(shape) * math.log2(math.prod(shape[-2:]))


@pytest.mark.parametrize("levels", [(4, 3), (1, 2), (3,)])
def test_filter_banks_are_counted_by_their_matrices_and_transforms(levels):
    x = torch.randn(2, 3, 32, 48)
    device = torch.device("cpu")
    options = levels, "maxflat", "dmaxflat7", torch.float32, device
    bank = filter_bank((32, 48), *options)
    products = sum(m.matrices.numel() for scale in bank.scales for m in scale)
    spectral = 6 * (fourier(32, 48) + 8 * products)
    assert count(contourlet_energies, x, levels) == pytest.approx(spectral, rel=1e-5)

    bands = contourlet(x, levels)
    stacks = [s for level in bands.directional for s in level.stacks]
    if 1 not in levels:
        inverse = sum(fourier(*band.shape) for band in [bands.low, *stacks])
        expected = pytest.approx(spectral + inverse, rel=1e-3)
        assert count(contourlet, x, levels) == expected
    assert count(inverse_contourlet, bands) == count(contourlet, x, levels)


def test_gradients_cost_what_the_transform_costs():
    x = torch.randn(1, 2, 16, 32, requires_grad=True)
    forward = count(contourlet, x)
    both = count(lambda x: contourlet(x).low.sum().backward(), x)
    assert both == 2 * forward


def test_gradients_of_energies_split_again_and_merge():
    x, y = torch.randn(2, 1, 2, 16, 32)
    x.requires_grad_()
    energies = count(contourlet_energies, x)
    assert count(lambda x: contourlet_energies(x).sum().backward(), x) == 3 * energies
    assert count(contourlet_products, x, y) == 2 * energies
    assert count(lambda x: contourlet_products(x, y).sum().backward(), x) == (
        4 * energies
    )
