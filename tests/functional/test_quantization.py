import pytest
import torch
from dtiem_reference import quantise
from dtiem_reference import uniform_levels as looped_uniform_levels
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from texture_kd.functional import (
    Levels,
    count_cells,
    count_levels,
    heuristic_levels,
    mix_levels,
    quantize,
    uniform_levels,
)

CASES = settings(max_examples=50, deadline=None)
KERNELS = "intensity", "triangle"


@st.composite
def quantisations(draw, grid=None):
    """Intensities and levels; multiples of 1/grid have many ties, others have none."""
    torch.manual_seed(draw(st.integers(0, 2**32 - 1)))
    rows, count, pixels = (draw(st.integers(1, high)) for high in (3, 9, 30))

    def numbers(columns, low, high):
        if grid is None:
            return torch.empty(rows, columns, dtype=torch.float64).uniform_(low, high)
        return torch.randint(low * grid, high * grid + 1, (rows, columns)) / grid

    intensity = numbers(pixels, -1, 2).double()
    centres = numbers(count, 0, 1).double().sort(1).values
    half_widths = numbers(count, 0, 1).double().clamp_min(1 / 16)
    return intensity, Levels(centres, half_widths)


def matrix(intensity, levels, kernel):
    rows = zip(intensity, *levels, strict=True)
    looped = [
        quantise(s.tolist(), list(zip(c.tolist(), h.tolist(), strict=True)), kernel)
        for s, c, h in rows
    ]
    return torch.tensor(looped, dtype=torch.float64)


def mixed(values, encoding):
    shares = encoding / encoding.sum(1, keepdim=True).clamp_min(1e-6)
    return (values @ shares).mT.flatten(0, 1)


@CASES
@given(quantisations(grid=16), st.sampled_from(KERNELS))
def test_all_equal_the_definition_at_and_between_ties(case, kernel):
    intensity, levels = case
    expected = matrix(intensity, levels, kernel)
    torch.testing.assert_close(quantize(*case, kernel), expected)
    torch.testing.assert_close(count_levels(*case, kernel), expected.sum(2))
    values = torch.randn(len(intensity), 4, levels.centres.shape[1]).double()
    expected = matrix(intensity, levels, "intensity")
    torch.testing.assert_close(mix_levels(values, *case), mixed(values, expected))


@CASES
@given(quantisations(), st.sampled_from(KERNELS))
def test_values_and_gradients_are_those_of_the_dense_matrix(case, kernel):
    intensity, levels = case
    intensity.requires_grad_()
    values = torch.randn(len(intensity), 3, levels.centres.shape[1]).double()
    values.requires_grad_()
    dense = quantize(intensity, levels, kernel)
    torch.testing.assert_close(dense, matrix(intensity.detach(), levels, kernel))
    counts = count_levels(intensity, levels, kernel)
    torch.testing.assert_close(counts, dense.sum(2))
    weights = torch.randn_like(counts)
    torch.testing.assert_close(
        torch.autograd.grad(counts, intensity, weights),
        torch.autograd.grad(dense.sum(2), intensity, weights, retain_graph=True),
    )

    dense = quantize(intensity, levels)
    # The share of a level in a pixel that is hardly caught has few digits.
    caught = dense.sum(1)
    assume(((caught == 0) | (caught > 1e-3)).all())
    found, wanted = mix_levels(values, intensity, levels), mixed(values, dense)
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-9)
    weights = torch.randn_like(found)
    both = (
        torch.autograd.grad(mix, (values, intensity), weights)
        for mix in (found, wanted)
    )
    torch.testing.assert_close(*both, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kernel", KERNELS)
def test_windows_are_open_below_and_closed_above(kernel, dtype):
    # -h <= L - S < h: the intensity at L - h is out, and that at L + h is in.
    levels = Levels(
        torch.tensor([[0.25, 0.5]], dtype=dtype), torch.tensor([[0.125, 0.25]])
    )
    levels = Levels(*(tensor.to(dtype) for tensor in levels))
    intensity = torch.tensor([[0.125, 0.25, 0.375, 0.5, 0.75]], dtype=dtype)
    full = {
        "intensity": [[0, 1, 0.875, 0, 0], [0, 0, 0.875, 1, 0.75]],
        "triangle": [[0, 1, 0, 0, 0], [0, 0, 0.5, 1, 0]],
    }
    expected = torch.tensor([full[kernel]], dtype=dtype)
    assert torch.equal(quantize(intensity, levels, kernel), expected)
    assert torch.equal(count_levels(intensity, levels, kernel), expected.sum(2))
    beyond = torch.nextafter(intensity, torch.ones_like(intensity))
    caught = torch.tensor([[[1, 1, 0, 0, 0], [0, 1, 1, 1, 0]]], dtype=torch.bool)
    assert torch.equal(quantize(beyond, levels) > 0, caught)
    assert torch.equal(count_levels(beyond, levels).round().int(), caught.sum(2).int())


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_pixel_of_no_level_counts_nothing_and_gets_nothing(kernel):
    levels = Levels(torch.tensor([[0.2, 0.8]]), torch.tensor([[0.1, 0.1]]))
    intensity = torch.tensor([[-5.0, 0.5, 1.0, 7.0]], requires_grad=True)
    counts = count_levels(intensity, levels, kernel)
    pixels = mix_levels(torch.ones(1, 2, 2), intensity, levels)
    assert torch.equal(counts, torch.zeros(1, 2))
    assert torch.equal(pixels, torch.zeros(4, 2))
    (gradient,) = torch.autograd.grad(counts.sum() + pixels.sum(), intensity)
    assert torch.equal(gradient, torch.zeros(1, 4))


@pytest.mark.parametrize("kernel", KERNELS)
def test_equal_levels_count_alike(kernel):
    centres = torch.tensor([[0.25, 0.5, 0.5, 0.5]], dtype=torch.float64)
    widths = torch.tensor([[0.5, 0.125, 0.25, 0.125]], dtype=torch.float64)
    levels = Levels(centres, widths)
    intensity = torch.tensor([[0.0, 0.375, 0.4, 0.5, 0.6, 0.625, 0.75]]).double()
    counts = count_levels(intensity, levels, kernel)
    torch.testing.assert_close(counts, matrix(intensity, levels, kernel).sum(2))
    assert counts[0, 1] == counts[0, 3] < counts[0, 2]


def test_shares_of_a_pixel_sum_up_to_one():
    torch.manual_seed(0)
    levels = uniform_levels(torch.zeros(2), torch.ones(2), 7)
    levels = levels._replace(half_widths=levels.half_widths * 2.5)
    intensity = torch.rand(2, 500)
    shares = mix_levels(torch.ones(2, 1, 7), intensity, levels)
    torch.testing.assert_close(shares, torch.ones(1000, 1))
    # Not so with the plain encoding: pixels are in one to five levels.
    caught = (quantize(intensity, levels) > 0).sum(1)
    assert caught.min() < caught.max()


@CASES
@given(quantisations(), st.sampled_from(KERNELS), st.data())
def test_pixels_that_do_not_count_do_not(case, kernel, data):
    intensity, levels = case
    intensity.requires_grad_()
    pixels = data.draw(st.integers(1, intensity.shape[1]))
    counted = (torch.arange(intensity.shape[1]) < pixels).expand_as(intensity)
    fewer = intensity[:, :pixels]
    found = count_levels(intensity, levels, kernel, counted)
    expected = count_levels(fewer, levels, kernel)
    torch.testing.assert_close(found, expected)
    weights = torch.randn_like(found)
    torch.testing.assert_close(
        torch.autograd.grad(found, intensity, weights),
        torch.autograd.grad(expected, intensity, weights),
    )
    edges = torch.linspace(0, 1, 7).double().expand(len(intensity), -1)
    found = count_cells(intensity, edges, counted)
    torch.testing.assert_close(found, count_cells(fewer, edges))


def test_some_pixels_are_mixed():
    torch.manual_seed(0)
    levels = uniform_levels(torch.zeros(3), torch.ones(3), 7)
    values, intensity = torch.randn(3, 5, 7), torch.rand(3, 11)
    slots = torch.tensor([32, 0, 12, 12])
    found = mix_levels(values, intensity, levels, slots)
    assert torch.equal(found, mix_levels(values, intensity, levels)[slots])


@pytest.mark.parametrize("kernel", KERNELS)
def test_gradcheck(kernel):
    torch.manual_seed(0)
    levels = Levels(
        torch.tensor([[0.1, 0.45, 0.7], [0.2, 0.4, 0.9]], dtype=torch.float64),
        torch.tensor([[0.2, 0.31, 0.15], [0.25, 0.05, 0.4]], dtype=torch.float64),
    )
    intensity = torch.rand(2, 9, dtype=torch.float64, requires_grad=True)
    values = torch.randn(2, 2, 3, dtype=torch.float64, requires_grad=True)
    for function in (quantize, count_levels):
        assert torch.autograd.gradcheck(
            lambda s, f=function: f(s, levels, kernel), intensity
        )
    assert torch.autograd.gradcheck(
        lambda v, s: mix_levels(v, s, levels), (values, intensity)
    )


def test_the_triangle_is_continuous_at_the_edges_of_its_window():
    levels = Levels(torch.tensor([[0.5]]).double(), torch.tensor([[0.25]]).double())
    edges = torch.tensor([[0.25], [0.75]], dtype=torch.float64)
    for edge in edges:
        around = edge + torch.tensor([[-1e-9, 0, 1e-9]], dtype=torch.float64)
        assert quantize(around, levels, "triangle").abs().max() < 1e-8
        jump = quantize(around, levels).amax() - quantize(around, levels).amin()
        assert jump == pytest.approx(0.75)


def test_the_derivative_at_a_level_is_that_from_below():
    intensity = torch.tensor([[0.5]], requires_grad=True)
    levels = Levels(torch.tensor([[0.5]]), torch.tensor([[0.25]]))
    (slope,) = torch.autograd.grad(count_levels(intensity, levels).sum(), intensity)
    assert slope.item() == 1


def test_no_gradient_flows_into_levels():
    centres = torch.tensor([[0.4, 0.6]], requires_grad=True)
    levels = Levels(centres, torch.tensor([[0.3, 0.3]], requires_grad=True))
    intensity = torch.rand(1, 5)
    assert not count_levels(intensity, levels).requires_grad
    assert not mix_levels(torch.ones(1, 2, 2), intensity, levels).requires_grad


def test_counts_of_many_pixels_are_exact_in_single_precision():
    torch.manual_seed(0)
    intensity = torch.rand(1, 300_000) * 0.02 + 0.49
    levels = uniform_levels(torch.zeros(1), torch.ones(1), 50)
    doubles = Levels(*(tensor.double() for tensor in levels))
    wanted = quantize(intensity.double(), doubles).sum(2).float()
    torch.testing.assert_close(
        count_levels(intensity, levels), wanted, rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("function", [count_levels, mix_levels])
def test_no_matrix_of_levels_by_pixels_is_made(function, load_tool):
    measure = load_tool("measure")
    rows, count, pixels = 2, 100, 2**15
    intensity = torch.rand(rows, pixels, requires_grad=True)
    levels = uniform_levels(torch.zeros(rows), torch.ones(rows), count)
    values = (torch.rand(rows, 1, count),) if function is mix_levels else ()

    def call():
        function(*values, intensity, levels).sum().backward()

    call()
    dense = rows * count * pixels * intensity.itemsize
    assert measure.peak_memory(call, intensity.device) < dense / 4


@pytest.mark.parametrize("function", [quantize, count_levels, mix_levels])
def test_each_row_is_on_its_own(function):
    torch.manual_seed(0)
    intensity = torch.rand(3, 40)
    intensity[1, 7] = torch.nan
    levels = uniform_levels(torch.zeros(3), torch.tensor([1, 1, 0.5]), 6)
    values = torch.rand(3, 2, 6)
    extra = (values,) if function is mix_levels else ()
    result = function(*extra, intensity, levels)
    if function is mix_levels:
        result = result.unflatten(0, (3, 40))
    for n in (0, 2):
        one = [tensor[n : n + 1] for tensor in (*extra, intensity)]
        alone = function(*one, Levels(*(t[n : n + 1] for t in levels)))
        torch.testing.assert_close(result[n], alone.reshape(result[n].shape))


@CASES
@given(st.floats(-2, 2), st.floats(0, 3), st.integers(1, 60))
def test_uniform_levels_are_those_of_the_definition(minimum, extent, count):
    ends = torch.tensor([[minimum, 0], [minimum + extent, 1]], dtype=torch.float64)
    levels = uniform_levels(*ends, count)
    for row, (low, high) in enumerate(ends.T.tolist()):
        wanted = looped_uniform_levels(low, high, count)
        found = torch.stack([tensor[row] for tensor in levels], 1)
        torch.testing.assert_close(found, torch.tensor(wanted, dtype=torch.float64))


def test_counts_of_levels_are_checked():
    with pytest.raises(ValueError, match="at least one level, got 0"):
        uniform_levels(torch.zeros(1), torch.ones(1), 0)


@pytest.mark.parametrize(
    "function",
    [quantize, count_levels, lambda *a: mix_levels(torch.ones(2, 1, 3), *a)],
)
def test_rows_that_do_not_fit_are_refused(function):
    levels = uniform_levels(torch.zeros(2), torch.ones(2), 3)
    with pytest.raises(ValueError, match=r"\(2, P\).*got shape \(1, 5\)"):
        function(torch.rand(1, 5), levels)
    with pytest.raises(ValueError, match=r"got shape \(2, 1, 5\)"):
        function(torch.rand(2, 1, 5), levels)


@pytest.mark.parametrize("function", [quantize, count_levels])
def test_unknown_kernels_are_refused(function):
    levels = uniform_levels(torch.zeros(2), torch.ones(2), 3)
    with pytest.raises(ValueError, match=r"triangle.*got 'gauss'"):
        function(torch.rand(2, 5), levels, "gauss")


def test_mixing_is_accurate_in_single_precision():
    torch.manual_seed(0)
    intensity = torch.rand(1, 20_000)
    levels = heuristic_levels(intensity.square())
    values, weights = torch.randn(1, 4, 50), torch.randn(20_000, 4)

    def gradient(dtype):
        s = intensity.to(dtype).requires_grad_()
        mixed = mix_levels(
            values.to(dtype), s, Levels(*(tensor.to(dtype) for tensor in levels))
        )
        return torch.autograd.grad(mixed, s, weights.to(dtype))[0].double()

    expected = gradient(torch.float64)
    error = (gradient(torch.float32) - expected).square().mean().sqrt()
    assert error < 1e-4 * expected.square().mean().sqrt()
