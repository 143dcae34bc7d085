"""What must hold for every image, size, number of channels, filter and depth."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from texture_kd.functional import (
    LaplacianBands,
    contourlet,
    directional_filter_bank,
    inverse_contourlet,
    inverse_directional_filter_bank,
    inverse_laplacian_pyramid,
    laplacian_pyramid,
)

PYRAMIDS = st.sampled_from(["9-7", "maxflat", "burt", "haar"])
DIRECTIONAL = st.sampled_from(["dmaxflat7", "pkva"])
LEVEL = st.integers(1, 4)
LEVELS = st.lists(LEVEL, min_size=1, max_size=3)
SIZES = st.one_of(
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.sampled_from([(128, 256), (96, 160), (64, 64), (97, 131)]),
)
CASES = settings(max_examples=25, deadline=None)


@st.composite
def images(draw, sizes=SIZES, dtype=torch.float64):
    # Everything that the test draws at random afterwards can be repeated, too.
    torch.manual_seed(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.integers(1, 3)), draw(st.integers(1, 4)), *draw(sizes)
    return torch.randn(shape, dtype=dtype)


@st.composite
def transforms(draw):
    """A transform with all its options drawn, as a function to a list of stacks."""
    kind = draw(st.sampled_from(["pyramid", "directions", "contourlet"]))
    pyramid, directional = draw(PYRAMIDS), draw(DIRECTIONAL)
    level, levels = draw(LEVEL), draw(LEVELS)

    def transform(x):
        if kind == "pyramid":
            return list(laplacian_pyramid(x, pyramid)[:2])
        if kind == "directions":
            return list(directional_filter_bank(x, level, directional).stacks)
        bands = contourlet(x, levels, pyramid, directional)
        return [bands.low, *(s for b in bands.directional for s in b.stacks)]

    return transform


def relative_error(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


@CASES
@given(images(), PYRAMIDS)
def test_pyramids_reconstruct_perfectly(x, filter):
    rebuilt = inverse_laplacian_pyramid(laplacian_pyramid(x, filter), filter)
    assert rebuilt.shape == x.shape
    assert (rebuilt - x).abs().max() < 1e-10
    single = inverse_laplacian_pyramid(laplacian_pyramid(x.float(), filter), filter)
    assert relative_error(single, x.float()) < 1e-5


@CASES
@given(images(), LEVEL, DIRECTIONAL)
def test_directional_filter_banks_reconstruct_perfectly(x, level, filter):
    def round_trip(x):
        bands = directional_filter_bank(x, level, filter)
        return inverse_directional_filter_bank(bands, filter)

    assert round_trip(x).shape == x.shape
    assert (round_trip(x) - x).abs().max() < 1e-10
    assert relative_error(round_trip(x.float()), x.float()) < 1e-5


@CASES
@given(images(), LEVELS, PYRAMIDS, DIRECTIONAL)
def test_contourlets_reconstruct_perfectly(x, levels, pyramid, directional):
    def round_trip(x):
        bands = contourlet(x, levels, pyramid, directional)
        return inverse_contourlet(bands, pyramid, directional)

    assert round_trip(x).shape == x.shape
    assert (round_trip(x) - x).abs().max() < 1e-10
    assert relative_error(round_trip(x.float()), x.float()) < 1e-5


@CASES
@given(images(), PYRAMIDS)
def test_pyramids_of_no_image_are_projected(x, filter):
    bands = laplacian_pyramid(x, filter)
    low, high = torch.randn_like(bands.low), torch.randn_like(bands.high)
    size = high.shape[-2:]
    rebuilt = inverse_laplacian_pyramid(LaplacianBands(low, high, size), filter)
    # What no image has is left out: the bands of the result give it again.
    own = laplacian_pyramid(rebuilt, filter)
    rest = LaplacianBands(low - own.low, high - own.high, size)
    assert inverse_laplacian_pyramid(rest, filter).abs().max() < 1e-10
    # The band-pass image is kept, and what the low-pass image lacks is added.
    lacking = low - laplacian_pyramid(high, filter).low
    added = LaplacianBands(lacking, torch.zeros_like(high), size)
    expected = high + inverse_laplacian_pyramid(added, filter)
    assert (rebuilt - expected).abs().max() < 1e-10


@CASES
@given(images(), LEVEL)
def test_directional_filter_banks_are_critically_sampled(x, level):
    multiple = max(2, 2 ** (level - 1))
    height, width = (n + -n % multiple for n in x.shape[-2:])
    m = 2 ** (level - 1)
    bands = directional_filter_bank(x, level)
    first = (height // m, width // 2) if level > 1 else (height // 2, width)
    assert bands.vertical.shape == (*x.shape[:2], m, *first)
    assert bands.horizontal.shape == (*x.shape[:2], m, height // 2, width // m)
    coefficients = sum(stack[0, 0].numel() for stack in bands.stacks)
    assert coefficients == height * width


@CASES
@given(images(), LEVELS)
def test_contourlets_hold_a_third_more_at_most(x, levels):
    bands = contourlet(x, levels)
    stacks = [s for b in bands.directional for s in b.stacks]
    scale = 2 ** len(levels)
    padded = bands.low[0, 0].numel() * scale**2
    count = bands.low[0, 0].numel() + sum(s[0, 0].numel() for s in stacks)
    assert padded <= count <= 4 / 3 * padded
    assert bands.size == x.shape[-2:]


@CASES
@given(images(), transforms(), st.floats(-10, 10))
def test_linearity(x, transform, factor):
    y = torch.randn_like(x)
    for both, first, second in zip(
        transform(factor * x + y), transform(x), transform(y), strict=True
    ):
        assert (both - factor * first - second).abs().max() < 1e-12 * (1 + abs(factor))


@CASES
@given(images(dtype=torch.float32), transforms(), st.data())
def test_each_image_and_channel_is_transformed_on_its_own(x, transform, data):
    n = data.draw(st.integers(0, len(x) - 1))
    c = data.draw(st.integers(0, x.shape[1] - 1))
    changed = x.clone()
    changed[n, c] = data.draw(st.sampled_from([1e6, math.nan, math.inf]))
    others = torch.ones(x.shape[:2], dtype=torch.bool)
    others[n, c] = False
    for old, new in zip(transform(x), transform(changed), strict=True):
        assert torch.equal(old[others], new[others])


@CASES
@given(
    images(st.tuples(st.integers(1, 16), st.integers(1, 16))),
    LEVEL,
    DIRECTIONAL,
    st.data(),
)
def test_rolling_by_a_lattice_vector_rolls_the_bands(x, level, filter, data):
    # Sizes are multiples of the lattice: a torus that was padded is another torus.
    m = max(2, 2 ** (level - 1))
    x = torch.randn(*x.shape[:2], m * x.shape[2], m * x.shape[3], dtype=x.dtype)
    steps = data.draw(st.tuples(st.integers(-9, 9), st.integers(-9, 9)))
    plain = directional_filter_bank(x, level, filter)
    lattices = ((m, 2), (2, m)) if level > 1 else ((2, 2), (2, 2))
    for i, lattice in enumerate(lattices):
        shift = tuple(s * d for s, d in zip(steps, lattice, strict=True))
        rolled = directional_filter_bank(x.roll(shift, (2, 3)), level, filter).stacks[i]
        # Columns of the quincunx lattice are not halved.
        moved = steps if level > 1 else (steps[0], 2 * steps[1])
        expected = plain.stacks[i].roll(moved, (3, 4))
        assert (rolled - expected).abs().max() < 1e-10


@CASES
@given(images(), PYRAMIDS, st.tuples(st.integers(-9, 9), st.integers(-9, 9)))
def test_rolling_by_two_rolls_the_pyramid(x, filter, steps):
    x = x.repeat(1, 1, 2, 2)
    shift = tuple(2 * s for s in steps)
    plain = laplacian_pyramid(x, filter)
    rolled = laplacian_pyramid(x.roll(shift, (2, 3)), filter)
    assert (rolled.low - plain.low.roll(steps, (2, 3))).abs().max() < 1e-10
    assert (rolled.high - plain.high.roll(shift, (2, 3))).abs().max() < 1e-10


@CASES
@given(images(), transforms())
def test_backward_is_the_adjoint(x, transform):
    x.requires_grad_()
    bands = transform(x)
    others = [torch.randn_like(band) for band in bands]
    (pulled_back,) = torch.autograd.grad(bands, x, others)
    pairs = list(zip(bands, others, strict=True))
    forward = sum((a.detach() * b).sum().item() for a, b in pairs)
    scale = sum((a.detach().norm() * b.norm()).item() for a, b in pairs)
    assert abs(forward - (x.detach() * pulled_back).sum().item()) < 1e-12 * scale


@settings(max_examples=10, deadline=None)
@given(
    images(st.tuples(st.integers(1, 5), st.integers(1, 5))).map(lambda x: x[:1, :1]),
    transforms(),
)
def test_gradients_of_both_orders(x, transform):
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tuple(transform(x)), x, fast_mode=True)
    assert torch.autograd.gradgradcheck(
        lambda x: tuple(transform(x)), x, fast_mode=True
    )


@pytest.mark.parametrize("level", [1, 2])
def test_gradients_of_inverses(level):
    x = torch.randn(1, 1, 4, 6, dtype=torch.float64)
    bands = contourlet(x, (level,))
    inputs = [bands.low, *bands.directional[0].stacks]
    inputs = [b.detach().requires_grad_() for b in inputs]

    def inverse(low, vertical, horizontal):
        directions = bands.directional[0]._replace(
            vertical=vertical, horizontal=horizontal
        )
        return inverse_contourlet(bands._replace(low=low, directional=(directions,)))

    assert torch.autograd.gradcheck(inverse, inputs)
    assert torch.autograd.gradgradcheck(inverse, inputs)
