import math
from fractions import Fraction

import dtiem_reference as reference
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from texture_kd.functional import (
    HistogramOptions,
    count_cells,
    heuristic_levels,
    requantize_levels,
    texture_histogram,
)

CASES = settings(max_examples=50, deadline=None)
ALPHAS = st.sampled_from([0.0, 0.125, 0.3, 0.5, 0.75, 1.0])
SEEDS = st.integers(0, 2**32 - 1)


def fractions(values):
    return [Fraction(value) for value in values]


def assert_equal_levels(levels, row, expected):
    found = zip(levels.centres[row].tolist(), levels.half_widths[row], strict=True)
    for (centre, width), wanted in zip(found, expected, strict=True):
        assert (centre, width) == pytest.approx(tuple(map(float, wanted)), abs=1e-12)


def uniform_edges(count, rows=1):
    edges = torch.arange(2 * count + 1, dtype=torch.float64) / (2 * count)
    return edges.expand(rows, -1)


@CASES
@given(SEEDS, st.integers(1, 12), st.integers(1, 40))
def test_cells_are_counted_as_in_loops(seed, cells, pixels):
    torch.manual_seed(seed)
    # Many pixels on edges, and cells of no width, the first one among them.
    edges = (torch.randint(0, 17, (2, cells + 1)) / 16).double().sort(1).values
    edges[:, 0], edges[:, -1] = 0, 1
    intensity = torch.randint(0, 33, (2, pixels)) / 32
    for row, counts in enumerate(count_cells(intensity, edges).tolist()):
        values = intensity[row].tolist()
        assert counts == reference.count_cells(values, edges[row].tolist())


def test_pixels_beyond_the_edges_are_in_the_cells_at_the_ends():
    edges = torch.tensor([[0.25, 0.5, 0.75]], dtype=torch.float64)
    counts = count_cells(torch.tensor([[0.0, 0.25, 0.5, 0.75, 1.0]]), edges)
    wanted = [[1 - 0.375 + 1 - 0.125 + 1 - 0.125, 1 - 0.125 + 1 - 0.375]]
    assert counts.tolist() == wanted


@CASES
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=10).map(lambda c: c + c[::-1]),
    SEEDS,
    ALPHAS,
    st.sampled_from([None, 0.0, 0.0625, 0.25, 1.0]),
)
def test_levels_are_those_of_the_definition(counts, seed, alpha, delta):
    # Whole counts: their shares often are delta, and all can be zero.
    torch.manual_seed(seed)
    edges = torch.rand(1, len(counts) + 1, dtype=torch.float64).sort(1).values
    levels = requantize_levels(torch.tensor([counts]), edges, alpha, delta)
    exact = fractions(counts), fractions(edges[0].tolist())
    half_up = Fraction(str(alpha))
    share = None if delta is None else Fraction(delta)
    assert_equal_levels(levels, 0, reference.requantise(*exact, half_up, share))
    assert levels.centres.dtype == levels.half_widths.dtype == torch.float64


@CASES
@given(SEEDS, st.sampled_from([1, 2, 4, 8, 16]), st.integers(1, 50), ALPHAS)
def test_one_step_is_that_of_the_definition_at_ties(seed, count, pixels, alpha):
    torch.manual_seed(seed)
    # On edges of cells, on the first and last one too, where doubles are exact.
    intensity = (torch.randint(0, 65, (2, pixels)) / 64).double()
    levels = heuristic_levels(intensity, count, alpha)
    for row, values in enumerate(intensity.tolist()):
        expected = reference.heuristic_levels(
            fractions(values), count, Fraction(str(alpha))
        )
        assert_equal_levels(levels, row, expected)


@CASES
@given(SEEDS, st.integers(1, 12), st.integers(1, 40), ALPHAS, st.integers(1, 3))
def test_several_steps_are_those_of_the_definition(seed, count, pixels, alpha, steps):
    torch.manual_seed(seed)
    intensity = torch.rand(2, pixels, dtype=torch.float64) ** 2
    delta = torch.rand(()).item() / count
    levels = heuristic_levels(intensity, count, alpha, delta, steps)
    for row, values in enumerate(intensity.tolist()):
        exact = Fraction(str(alpha)), Fraction(delta), steps
        expected = reference.heuristic_levels(fractions(values), count, *exact)
        assert_equal_levels(levels, row, expected)


@CASES
@given(SEEDS, st.integers(1, 50), st.integers(1, 60), ALPHAS, st.integers(1, 3))
def test_levels_ascend_within_the_range_and_do_not_learn(
    seed, count, pixels, alpha, steps
):
    torch.manual_seed(seed)
    intensity = torch.rand(3, pixels, requires_grad=True)
    levels = heuristic_levels(intensity, count, alpha, steps=steps)
    centres, half_widths = levels
    assert centres.shape == half_widths.shape == (3, count)
    assert (centres.diff(dim=1) >= 0).all()
    assert centres.min() >= 0
    assert centres.max() <= 1
    # Never narrower than those of the plain quantisation.
    assert (half_widths >= 0.5 / count - 1e-9).all()
    assert centres.dtype == half_widths.dtype == intensity.dtype
    assert not centres.requires_grad
    assert not half_widths.requires_grad


def test_the_groups_of_the_paper_have_15_and_35_levels():
    counts = torch.tensor([[0] * 80 + [1] * 20])
    levels = requantize_levels(counts, uniform_edges(50))
    rare, often = levels.centres < 0.8, levels.centres > 0.8
    assert (rare.sum(), often.sum()) == (15, 35)
    width = levels.half_widths
    assert width[rare].tolist() == pytest.approx([0.5 / 15] * 15, abs=1e-12)
    assert width[often].tolist() == pytest.approx([0.5 / 35] * 35, abs=1e-12)


@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize("alpha", [0, 0.3, 1])
def test_equal_counts_and_no_counts_give_uniform_levels(count, alpha):
    # All shares are delta, and all cells often used: none is left for the others.
    counts = torch.full((2, 20), count)
    levels = requantize_levels(counts, uniform_edges(10, 2), alpha)
    wanted = torch.arange(0.5, 10, dtype=torch.float64).expand(2, -1) / 10
    torch.testing.assert_close(levels.centres, wanted, rtol=0, atol=1e-12)
    half_widths = torch.full_like(wanted, 0.05)
    torch.testing.assert_close(levels.half_widths, half_widths, rtol=0, atol=1e-12)


@pytest.mark.parametrize("delta", [0.0, 2.0])
def test_an_empty_group_gives_its_levels_to_the_other(delta):
    counts = torch.tensor([[3, 1, 0, 5]])
    levels = requantize_levels(counts, uniform_edges(2), 0.5, delta)
    assert levels.centres.tolist() == [[0.25, 0.75]]
    assert levels.half_widths.tolist() == [[0.25, 0.25]]


@pytest.mark.parametrize(("alpha", "wanted"), [(0, [1, 1]), (1, [0, 0])])
def test_alpha_can_leave_a_group_without_levels(alpha, wanted):
    levels = requantize_levels(torch.tensor([[0, 0, 4, 4]]), uniform_edges(2), alpha)
    often = levels.centres > 0.5
    assert often.int().tolist() == [wanted]
    assert (levels.half_widths == 0.25).all()


def test_a_share_of_delta_is_often_used():
    # Shares 1/8, 2/8, 1/8 and 4/8, all exact; an ulp more of delta moves the second.
    counts = torch.tensor([[1, 2, 1, 4]])
    at = requantize_levels(counts, uniform_edges(2), 0.5, 0.25)
    above = requantize_levels(
        counts, uniform_edges(2), 0.5, math.nextafter(0.25, math.inf)
    )
    # Rare cells 0 and 2 or 0, 1 and 2; often used ones 1 and 3 or 3 alone.
    assert at.centres.tolist() == [[0.5, 0.75]]
    assert above.centres.tolist() == [[0.375, 0.875]]


def test_of_equal_levels_those_of_rarely_used_cells_come_first():
    # Cells of no width: whatever the group, the level is there.
    edges = torch.full((1, 7), 0.5, dtype=torch.float64)
    levels = requantize_levels(torch.tensor([[5, 0, 0, 5, 0, 0]]), edges, 1 / 3)
    assert levels.centres.tolist() == [[0.5] * 3]
    assert levels.half_widths.tolist() == [[0.5, 0.25, 0.25]]


def test_each_row_is_on_its_own():
    torch.manual_seed(0)
    intensity = torch.rand(4, 30) ** torch.tensor([[1.0], [2], [3], [4]])
    intensity[2] = torch.nan
    levels = heuristic_levels(intensity, 9, steps=2)
    for row in (0, 1, 3):
        alone = heuristic_levels(intensity[row : row + 1], 9, steps=2)
        assert torch.equal(alone.centres[0], levels.centres[row])
        assert torch.equal(alone.half_widths[0], levels.half_widths[row])


def evenness(counts):
    """Normalised entropy."""
    shares = counts / counts.sum(1, keepdim=True)
    return -torch.special.xlogy(shares, shares).sum(1) / math.log(counts.shape[1])


@CASES
@given(SEEDS, st.integers(1, 3), st.sampled_from(["normal", "fast", "slow"]))
def test_peaked_intensities_are_counted_more_evenly_than_in_uniform_levels(
    seed, steps, kind
):
    torch.manual_seed(seed)
    noise = torch.randn(4, 1024, dtype=torch.float64)
    intensity = {"normal": noise, "fast": noise.exp(), "slow": -noise.exp()}[kind]
    options = HistogramOptions(placement="uniform"), HistogramOptions(steps=steps)
    uniform, heuristic = (texture_histogram(intensity, o).counts for o in options)
    assert (evenness(heuristic) > evenness(uniform)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(count=0), "at least one level, got 0"),
        (dict(steps=0), "at least one step, got 0"),
        (dict(alpha=1.5), "alpha from 0 to 1, got 1.5"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        heuristic_levels(torch.rand(1, 4), **options)


def test_counts_and_edges_that_do_not_fit_are_refused():
    for cells in (0, 3):
        with pytest.raises(ValueError, match=f"2N cells, got {cells}"):
            requantize_levels(torch.ones(1, cells), torch.ones(1, cells + 1))
    with pytest.raises(ValueError, match=r"shape \(2, 5\), got \(1, 5\)"):
        requantize_levels(torch.ones(2, 4), torch.ones(1, 5))
