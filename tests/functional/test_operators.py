import pytest
import torch
from compile_check import check_compiled
from torch.profiler import ProfilerActivity, profile

from texture_kd.functional import (
    contourlet,
    contourlet_energies,
    contourlet_products,
    directional_filter_bank,
    inverse_contourlet,
    inverse_directional_filter_bank,
    inverse_laplacian_pyramid,
    laplacian_pyramid,
)
from texture_kd.functional.aliasing import filter_bank
from texture_kd.functional.band_sums import band_energies, band_products, weigh_bands
from texture_kd.functional.filter_bank import analyse, synthesise

OPTIONS = [3, 1], "maxflat", "dmaxflat7"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_operators_keep_the_rules_of_pytorch(dtype):
    # Schemas, shapes and strides under compilation, and autograd registrations.
    x = torch.randn(1, 2, 16, 32, dtype=dtype, requires_grad=True)
    bands = [b.detach().requires_grad_() for b in analyse(x, *OPTIONS, False)]
    y = torch.randn_like(x, requires_grad=True)
    last = x.detach().to(memory_format=torch.channels_last).requires_grad_()
    weights = torch.randn_like(band_energies(x, *OPTIONS), requires_grad=True)
    for operator, inputs in (
        (analyse, (x, *OPTIONS, False)),
        (analyse, (x, [2], None, "pkva", True)),
        (synthesise, (bands, [1, 2, 16, 32], *OPTIONS, True)),
        (band_energies, (x, *OPTIONS)),
        (band_products, (x, y, *OPTIONS)),
        (weigh_bands, (x, weights, *OPTIONS)),
        (weigh_bands, (last, weights, *OPTIONS)),
    ):
        torch.library.opcheck(operator, inputs)


def round_trip(x):
    return inverse_contourlet(contourlet(x, (2, 1)))


def products(x):
    return contourlet_products(x, x.flip(1))


@pytest.mark.parametrize(
    "function",
    [
        round_trip,
        contourlet_energies,
        products,
        lambda x: inverse_directional_filter_bank(directional_filter_bank(x, 1)),
        lambda x: inverse_laplacian_pyramid(laplacian_pyramid(x)),
    ],
)
def test_compiles_without_graph_breaks(function):
    check_compiled(function, ((2, 3, 29, 40), (4, 5, 31, 17)))


def test_filters_of_a_size_are_prepared_once():
    x = torch.randn(1, 1, 24, 40)
    contourlet_energies(x)
    misses = filter_bank.cache_info().misses
    contourlet_energies(x + 1)
    assert filter_bank.cache_info().misses == misses


@pytest.mark.parametrize(
    "function", [contourlet, contourlet_energies, products, round_trip]
)
def test_kernel_launches_grow_with_neither_images_nor_channels(function):
    def launches(*shape):
        x = torch.randn(shape)
        function(x)
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            function(x)
        events = profiler.key_averages()
        return sum(event.count for event in events if "empty" not in event.key)

    # One block of images, and eight; PyTorch multiplies tiny matrices in another way.
    assert launches(4, 32, 16, 32) == launches(8, 64, 16, 32)
    assert launches(8, 64, 64, 128) == launches(9, 100, 64, 128)
