import math

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from texture_kd.functional import contourlet, inverse_contourlet
from texture_kd.functional.contourlet.aliasing import filter_bank


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
