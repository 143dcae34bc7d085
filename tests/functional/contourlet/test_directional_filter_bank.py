import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torus_reference import directional_tree, sample

from texture_kd.functional import directional_filter_bank

FILTERS = ["dmaxflat7", "pkva"]
LEVELS = [1, 2, 3, 4]


def coefficients(x, level, filter="dmaxflat7"):
    """All coefficients of each image, one row an image."""
    bands = directional_filter_bank(x, level, filter)
    return torch.cat([b.flatten(1) for b in bands.stacks], dim=1)


def band_energies(x, level, filter="dmaxflat7"):
    """Energy of each band of each image, (N, 2^level)."""
    bands = directional_filter_bank(x, level, filter)
    return torch.cat([b.square().sum((1, 3, 4)) for b in bands.stacks], dim=1)


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("level", LEVELS)
def test_equals_the_tree_run_literally_in_space(level, filter):
    x = np.random.default_rng(level).standard_normal((16, 24))
    m = 2 ** (level - 1)
    expected = [
        sample(z, level, k < m)
        for k, z in enumerate(directional_tree(x, level, filter))
    ]
    vertical, horizontal, _ = directional_filter_bank(
        torch.from_numpy(x)[None, None], level, filter
    )
    np.testing.assert_allclose(vertical[0, 0], expected[:m], rtol=0, atol=1e-12)
    np.testing.assert_allclose(horizontal[0, 0], expected[m:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("size", [(64, 64), (128, 256), (6, 10)])
def test_rolling_by_a_quincunx_vector_shears_the_stored_rows(size, filter):
    x = torch.randn(1, 1, *size, dtype=torch.float64)
    rolled = directional_filter_bank(x.roll((1, 1), (2, 3)), 1, filter)
    plain = directional_filter_bank(x, 1, filter)
    for new, old in zip(rolled.stacks, plain.stacks, strict=True):
        moved = old.roll(1, -1)
        odd = moved[..., 1::2]
        # Sample (2i-1, j) of an odd column came from row 2i-2 of an even one.
        torch.testing.assert_close(new[..., 1::2], odd.roll(1, -2), rtol=0, atol=1e-10)
        torch.testing.assert_close(new[..., 0::2], moved[..., 0::2], rtol=0, atol=1e-10)


def wedge_waves(level, size):
    """Plane waves of frequency pi/2 in the middles of the wedges, in their order."""
    m = 2 ** (level - 1)
    middles = [-1 + (2 * k + 1) / m for k in range(m)]
    directions = [(s, 1.0) for s in middles] + [(1.0, -s) for s in middles]
    rows, columns = (torch.arange(n, dtype=torch.float64) for n in size)
    waves = []
    for row, column in directions:
        cycles_r, cycles_c = round(row * size[0] / 4), round(column * size[1] / 4)
        phase = cycles_r * rows[:, None] / size[0] + cycles_c * columns[None] / size[1]
        waves.append(torch.cos(2 * math.pi * phase + 0.3))
    return torch.stack(waves)[:, None]


# Waves of a whole number of cycles stand in the very middles of 16 wedges.
SIDES = st.integers(1, 8).map(lambda n: 32 * n)


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=6, deadline=None)
@given(size=st.tuples(SIDES, SIDES))
def test_bands_select_their_wedge_in_the_documented_order(level, filter, size):
    energies = band_energies(wedge_waves(level, size), level, filter)
    shares = energies / energies.sum(1, keepdim=True)
    assert shares.argmax(1).tolist() == list(range(2**level))
    own = shares.diagonal()
    minimum, median = [(0.97, 0.97), (0.97, 0.97), (0.8, 0.9), (0.5, 0.85)][level - 1]
    assert own.min() >= minimum
    assert own.quantile(0.5) >= median
    if level == 4:
        beside_diagonals = [0, 7, 8, 15]
        inner = [k for k in range(16) if k not in beside_diagonals]
        assert own[inner].min() >= 0.8


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("level", LEVELS)
def test_magnitude_of_a_wave_is_constant_in_space(level, filter):
    size = (64, 96)
    rows, columns = (torch.arange(n, dtype=torch.float64) for n in size)
    phase = 2 * math.pi * (5 * rows[:, None] / size[0] + 17 * columns[None] / size[1])
    real = directional_filter_bank(torch.cos(phase)[None, None], level, filter)
    imaginary = directional_filter_bank(torch.sin(phase)[None, None], level, filter)
    for cosine, sine in zip(real.stacks, imaginary.stacks, strict=True):
        magnitude = torch.hypot(cosine, sine)
        spread = magnitude.amax((-2, -1)) - magnitude.amin((-2, -1))
        assert spread.max() < 1e-10


def impulses(height, width):
    pixels = height * width
    return torch.eye(pixels, dtype=torch.float64).reshape(pixels, 1, height, width)


@pytest.mark.parametrize(
    ("filter", "means"),
    [("dmaxflat7", [1.0, 1.0, 1.0, 1.0]), ("pkva", [1.038, 1.077, 1.119, 1.166])],
)
@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=3, deadline=None)
@given(sides=st.tuples(st.integers(3, 5), st.integers(3, 5)))
def test_energy_of_white_noise(level, filter, means, sides):
    # The mean energy that impulses at all places leave in a band, for each of its
    # coefficients, is the variance that unit white noise has there.
    x = impulses(8 * sides[0], 8 * sides[1])
    energies = band_energies(x, level, filter).sum(0) / (len(x) / 2**level)
    assert energies.mean().item() == pytest.approx(means[level - 1], abs=0.03)
    if filter == "dmaxflat7":
        assert (energies - 1).abs().max() < 0.03


@pytest.mark.parametrize(
    ("filter", "bounds"),
    [
        (
            "dmaxflat7",
            [(0.954, 1.048), (0.913, 1.095), (0.882, 1.133), (0.853, 1.172)],
        ),
        ("pkva", [(0.5, 2.0), (0.316, 3.16), (0.195, 5.14), (0.110, 9.12)]),
    ],
)
@pytest.mark.parametrize("level", LEVELS)
def test_riesz_bounds(level, filter, bounds):
    operator = coefficients(impulses(32, 32), level, filter)
    eigenvalues = torch.linalg.eigvalsh(operator @ operator.mT)
    lower, upper = bounds[level - 1]
    assert eigenvalues[0].item() == pytest.approx(lower, rel=0.02)
    assert eigenvalues[-1].item() == pytest.approx(upper, rel=0.02)


@pytest.mark.parametrize("level", LEVELS)
def test_odd_sides_are_padded_by_their_last_line(level):
    x = torch.randn(1, 2, 13, 21)
    multiple = max(2, 2 ** (level - 1))
    by_hand = torch.nn.functional.pad(
        x, (0, -21 % multiple, 0, -13 % multiple), mode="replicate"
    )
    torch.testing.assert_close(coefficients(x, level), coefficients(by_hand, level))


@pytest.mark.parametrize("level", [0, -1])
def test_levels_below_one_are_refused(level):
    with pytest.raises(ValueError, match=f"at least 1, got {level}"):
        directional_filter_bank(torch.zeros(1, 1, 8, 8), level)


def test_unknown_filters_are_refused():
    with pytest.raises(ValueError, match=r"dmaxflat7.*pkva.*got 'haar'"):
        directional_filter_bank(torch.zeros(1, 1, 8, 8), 2, "haar")
