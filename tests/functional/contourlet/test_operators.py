import pytest
import torch
from compile_check import check_compiled
from torch.profiler import ProfilerActivity, profile

from texture_kd.functional import (
    contourlet,
    directional_filter_bank,
    inverse_contourlet,
    inverse_directional_filter_bank,
    inverse_laplacian_pyramid,
    laplacian_pyramid,
)
from texture_kd.functional.contourlet.aliasing import filter_bank
from texture_kd.functional.contourlet.filter_bank import analyse, synthesise

OPTIONS = [3, 1], "maxflat", "dmaxflat7"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_operators_keep_the_rules_of_pytorch(dtype):
    # Schemas, shapes and strides under compilation, and autograd registrations.
    x = torch.randn(1, 2, 16, 32, dtype=dtype, requires_grad=True)
    bands = [b.detach().requires_grad_() for b in analyse(x, *OPTIONS, False)]
    for operator, inputs in (
        (analyse, (x, *OPTIONS, False)),
        (analyse, (x, [2], None, "pkva", True)),
        (synthesise, (bands, [1, 2, 16, 32], *OPTIONS, True)),
    ):
        torch.library.opcheck(operator, inputs)


def round_trip(x):
    return inverse_contourlet(contourlet(x, (2, 1)))


@pytest.mark.parametrize(
    "function",
    [
        round_trip,
        lambda x: inverse_directional_filter_bank(directional_filter_bank(x, 1)),
        lambda x: inverse_laplacian_pyramid(laplacian_pyramid(x)),
    ],
)
def test_compiles_without_graph_breaks(function):
    check_compiled(function, ((2, 3, 29, 40), (4, 5, 31, 17)))


def test_filters_of_a_size_are_prepared_once():
    x = torch.randn(1, 1, 24, 40)
    contourlet(x)
    misses = filter_bank.cache_info().misses
    contourlet(x + 1)
    assert filter_bank.cache_info().misses == misses


def test_filters_of_a_dozen_sizes_are_prepared_once_each():
    images = [torch.randn(1, 1, 24, 8 * n) for n in range(2, 14)]
    for x in images:
        contourlet(x)
    misses = filter_bank.cache_info().misses
    for x in images:
        contourlet(x)
    assert filter_bank.cache_info().misses == misses


@pytest.mark.parametrize("function", [contourlet, round_trip])
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
