import math
from fractions import Fraction

import dtiem_reference as reference
import pytest
import torch
from compile_check import check_compiled
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from texture_kd.functional import (
    HistogramOptions,
    clip_redistribute,
    cosine_self_similarity,
    texture_histogram,
)

CASES = settings(max_examples=50, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)
OPTIONS = st.builds(
    HistogramOptions,
    count=st.integers(1, 12),
    placement=st.sampled_from(["heuristic", "uniform"]),
    alpha=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    delta=st.sampled_from([None, 0.07]),
    steps=st.integers(1, 2),
    theta=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    kernel=st.sampled_from(["intensity", "triangle"]),
    literal=st.booleans(),
)


def looped(row, options):
    """Give the intensities of a row, its levels, counts and denoised counts."""
    low, extent = min(row), max(row) - min(row)
    if extent <= options.range_eps:
        counts = [len(row)] * options.count
        return row, None, counts, counts
    values = [(value - low) / extent for value in row]
    if options.placement == "uniform":
        levels = reference.uniform_levels(0, 1, options.count)
    else:
        rest = Fraction(str(options.alpha)), options.delta, options.steps
        exact = [Fraction(value) for value in values]
        levels = reference.heuristic_levels(exact, options.count, *rest)
    levels = [tuple(map(float, level)) for level in levels]
    if options.literal:
        values = row
        levels = [(low + extent * centre, width) for centre, width in levels]
    # Within rounding of the edge of a window anything goes.
    distances = [abs(abs(c - v) - w) for c, w in levels for v in values]
    assume(min(distances) > 1e-9)
    counts = list(map(sum, reference.quantise(values, levels, options.kernel)))
    return values, levels, counts, reference.clip_redistribute(counts, options.theta)


def nearly(values):
    return pytest.approx(values, rel=1e-9, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.integers(1, 30), OPTIONS, st.booleans())
def test_is_what_the_definition_gives_in_loops(seed, pixels, options, with_constant):
    torch.manual_seed(seed)
    scale, offset = torch.rand(2, 3, 1, dtype=torch.float64) * 3
    similarity = torch.rand(3, pixels, dtype=torch.float64).square() * scale - offset
    # Some intensities occur many times.
    similarity = similarity.gather(1, torch.randint(0, pixels, similarity.shape))
    if with_constant:
        similarity[1] = similarity[1, :1]
    histogram = texture_histogram(similarity, options)
    for n, row in enumerate(similarity.tolist()):
        values, levels, counts, denoised = looped(row, options)
        assert histogram.counts[n].tolist() == nearly(counts)
        assert histogram.denoised[n].tolist() == nearly(denoised)
        shares = [c / max(math.fsum(denoised), 1e-6) for c in denoised]
        assert histogram.shares[n].tolist() == nearly(shares)
        if levels is None:
            continue
        assert histogram.intensity[n].tolist() == nearly(values)
        centres, widths = zip(*levels, strict=True)
        assert histogram.levels.centres[n].tolist() == nearly(centres)
        assert histogram.levels.half_widths[n].tolist() == nearly(widths)
        low, extent = (0, 1) if options.literal else (min(row), max(row) - min(row))
        raw_levels = [low + extent * centre for centre in centres]
        assert histogram.raw_levels[n].tolist() == nearly(raw_levels)


@CASES
@given(SEEDS, st.integers(2, 30), OPTIONS)
def test_the_gradient_is_that_of_the_definition(seed, pixels, options):
    torch.manual_seed(seed)
    similarity = torch.rand(1, pixels, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(options.count, dtype=torch.float64)
    values, levels, _, _ = looped(similarity[0].tolist(), options)
    # The extrema are constants: only the distance to each level depends on a pixel.
    unit = 1 if options.literal else (similarity.max() - similarity.min()).item()
    wanted = [
        sum(
            weight
            * (-h <= c - value < h)
            * math.copysign(1 / unit, c - value)
            / (h if options.kernel == "triangle" else 1)
            for weight, (c, h) in zip(weights.tolist(), levels, strict=True)
        )
        for value in values
    ]
    # At a level itself there is no derivative.
    assume(min(abs(c - v) for c, _ in levels for v in values) > 1e-9)
    counts = texture_histogram(similarity, options).counts
    (found,) = torch.autograd.grad((counts * weights).sum(), similarity)
    assert found[0].tolist() == nearly(wanted)


@pytest.mark.parametrize("literal", [False, True])
@pytest.mark.parametrize("placement", ["heuristic", "uniform"])
@pytest.mark.parametrize("value", [0.0, 0.7, -1.0, 1e6])
def test_constant_regions_are_uniform_and_learn_nothing(placement, literal, value):
    torch.manual_seed(0)
    options = HistogramOptions(placement=placement, literal=literal)
    # Constant to 1e-5, beside rows that are not.
    similarity = torch.rand(3, 64)
    similarity[1] = value + 5e-6 * torch.rand(64)
    similarity.requires_grad_()
    histogram = texture_histogram(similarity, options)
    assert (histogram.counts[1] == 64).all()
    torch.testing.assert_close(histogram.denoised[1], torch.full((50,), 64.0))
    torch.testing.assert_close(histogram.shares[1], torch.full((50,), 0.02))
    assert (histogram.raw_levels[1] == similarity[1].min()).all()
    outputs = histogram.intensity, histogram.counts, histogram.denoised
    weights = [torch.randn_like(output) for output in outputs]
    (gradient,) = torch.autograd.grad(outputs, similarity, weights)
    assert (gradient[1] == 0).all()
    assert gradient.isfinite().all()
    assert (gradient[[0, 2]].abs().sum(1) > 0).all()
    for n in (0, 2):
        alone = texture_histogram(similarity[n : n + 1], options)
        torch.testing.assert_close(histogram.denoised[n], alone.denoised[0])


def test_the_range_from_which_on_a_region_is_constant_can_be_chosen():
    similarity = torch.tensor([[0.0, 0.25, 0.5]])
    at, below = (
        texture_histogram(similarity, HistogramOptions(4, range_eps=eps))
        for eps in (0.5, 0.4999)
    )
    assert (at.counts == 3).all()
    assert (below.counts < 3).all()


@pytest.mark.parametrize("literal", [False, True])
@pytest.mark.parametrize("placement", ["heuristic", "uniform"])
def test_nan_stays_in_its_row(placement, literal):
    torch.manual_seed(0)
    options = HistogramOptions(6, placement=placement, literal=literal)
    similarity = torch.rand(3, 20)
    similarity[1, 4] = torch.nan
    similarity.requires_grad_()
    histogram = texture_histogram(similarity, options)
    assert histogram.counts[1].isnan().all()
    assert histogram.denoised[1].isnan().all()
    assert histogram.raw_levels[1].isnan().all()
    counts = histogram.counts
    (gradient,) = torch.autograd.grad(counts[[0, 2]].square().sum(), similarity)
    assert gradient[[0, 2]].isfinite().all()
    for n in (0, 2):
        alone = texture_histogram(similarity[n : n + 1], options)
        torch.testing.assert_close(histogram.denoised[n], alone.denoised[0])
        torch.testing.assert_close(histogram.raw_levels[n], alone.raw_levels[0])


@CASES
@given(SEEDS, st.sampled_from([0.125, 2.0, 64.0]), st.integers(-3, 3))
def test_counts_do_not_depend_on_scale_and_offset(seed, scale, offset):
    torch.manual_seed(seed)
    # Powers of two: no pixel crosses the edge of a window by rounding.
    similarity = torch.randint(0, 1024, (2, 100)).double() / 1024
    plain = texture_histogram(similarity)
    other = texture_histogram(scale * similarity + offset)
    assert torch.equal(plain.denoised, other.denoised)
    assert torch.equal(plain.intensity, other.intensity)
    torch.testing.assert_close(other.raw_levels, scale * plain.raw_levels + offset)


def test_literal_windows_overlap_or_miss_pixels_with_the_range():
    torch.manual_seed(0)
    similarity = torch.rand(1, 20_000, dtype=torch.float64)
    options = HistogramOptions(placement="uniform", literal=True)

    def levels_of_a_pixel(scale):
        counts = texture_histogram(scale * similarity, options).counts
        return counts.sum().item() / similarity.numel()

    # Windows 1/50 wide: 1.85 times as many gaps, or 1 / 0.36 levels for each pixel.
    assert levels_of_a_pixel(1.85) == pytest.approx(1 / 1.85, rel=0.02)
    assert levels_of_a_pixel(1.0) == pytest.approx(1, rel=0.02)
    assert levels_of_a_pixel(0.36) == pytest.approx(1 / 0.36, rel=0.03)


@pytest.mark.parametrize("pixels", [1, 2, 7, 49, 99])
@pytest.mark.parametrize("placement", ["heuristic", "uniform"])
def test_regions_of_few_pixels_are_described(placement, pixels):
    torch.manual_seed(0)
    similarity = torch.rand(2, pixels, requires_grad=True)
    histogram = texture_histogram(similarity, HistogramOptions(placement=placement))
    assert histogram.counts.shape == histogram.denoised.shape == (2, 50)
    assert histogram.intensity.shape == (2, pixels)
    assert histogram.nodes.shape == (2, 2, 50)
    assert histogram.nodes.isfinite().all()
    assert histogram.nodes.min() >= 0
    assert histogram.nodes[:, 0].max() <= 1
    torch.testing.assert_close(histogram.shares.sum(1), torch.ones(2))
    (gradient,) = torch.autograd.grad(histogram.nodes.square().sum(), similarity)
    assert gradient.isfinite().all()
    if pixels == 1:
        assert (histogram.counts == 1).all()


def test_counts_grow_with_the_region_and_shares_do_not():
    torch.manual_seed(0)
    similarity = torch.rand(2, 60, dtype=torch.float64)
    once, twice = (texture_histogram(similarity.repeat(1, n)) for n in (1, 2))
    torch.testing.assert_close(twice.counts, 2 * once.counts)
    torch.testing.assert_close(twice.shares, once.shares)


@CASES
@given(SEEDS, st.integers(1, 20), st.sampled_from([0.0, 0.25, 0.6, 0.9, 1.0]))
def test_peaks_are_clipped_and_spread_as_in_loops(seed, levels, theta):
    torch.manual_seed(seed)
    # Rows of very different mass, with ties at the peak and empty levels.
    unit = torch.tensor([[1.0], [1e-3], [1e6]], dtype=torch.float64)
    counts = torch.randint(0, 5, (3, levels)) * unit
    denoised = clip_redistribute(counts, theta)
    for row, found in zip(counts.tolist(), denoised.tolist(), strict=True):
        assert found == pytest.approx(reference.clip_redistribute(row, theta))
    torch.testing.assert_close(denoised.sum(1), counts.sum(1), rtol=1e-12, atol=0)
    alone = clip_redistribute(counts[1:2], theta)
    torch.testing.assert_close(denoised[1:2], alone, rtol=0, atol=0)


def test_clipping_has_its_limits():
    torch.manual_seed(0)
    counts = torch.rand(2, 3, 9, dtype=torch.float64)
    assert torch.equal(clip_redistribute(counts, 1), counts)
    mean = counts.mean(-1, keepdim=True).expand_as(counts)
    torch.testing.assert_close(clip_redistribute(counts, 0), mean)
    for equal in (torch.zeros(2, 9), torch.full((2, 9), 3.0)):
        torch.testing.assert_close(clip_redistribute(equal, 0.4), equal)


def test_clipping_lowers_peaks_and_keeps_the_order():
    counts = torch.tensor([[10.0, 9.5, 4, 0]])
    assert clip_redistribute(counts).tolist() == [[9.375, 9.375, 4.375, 0.375]]


@pytest.mark.parametrize("theta", [0.0, 0.5, 0.9])
def test_gradcheck_of_clipping(theta):
    torch.manual_seed(0)
    counts = torch.rand(2, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda c: clip_redistribute(c, theta), counts)
    assert torch.autograd.gradgradcheck(lambda c: clip_redistribute(c, theta), counts)


# Dynamo's own.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_compiles_without_graph_breaks():
    def function(x):
        histogram = texture_histogram(cosine_self_similarity(x).flatten(1))
        return torch.stack([histogram.denoised, histogram.raw_levels])

    torch.manual_seed(0)
    check_compiled(function, ((2, 3, 9, 14), (4, 5, 11, 7)))


@pytest.mark.parametrize(
    ("similarity", "message"),
    [
        (torch.rand(4), r"\(R, P\), got shape \(4,\)"),
        (torch.rand(2, 3, 4), r"got shape \(2, 3, 4\)"),
        (torch.rand(2, 0), r"got shape \(2, 0\)"),
        (torch.rand(2, 4).half(), r"float32 or float64, got torch.float16"),
        (torch.ones(2, 4, dtype=torch.long), r"got torch.int64"),
    ],
)
def test_other_intensities_are_refused(similarity, message):
    with pytest.raises(ValueError, match=message):
        texture_histogram(similarity)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(placement="even"), r"placement among .*, got 'even'"),
        (dict(kernel="gauss"), r"kernel among .*, got 'gauss'"),
        (dict(count=0), "count of at least 1, got 0"),
        (dict(steps=0), "steps of at least 1, got 0"),
        (dict(alpha=-0.1), "alpha from 0 to 1, got -0.1"),
        (dict(theta=1.1), "theta from 0 to 1, got 1.1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        HistogramOptions(**options)


def test_theta_out_of_range_is_refused():
    with pytest.raises(ValueError, match="theta from 0 to 1, got 2"):
        clip_redistribute(torch.rand(1, 3), 2)
