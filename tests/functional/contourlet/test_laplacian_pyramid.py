import math

import numpy as np
import pytest
import torch
from torus_reference import convolve

from texture_kd.functional import laplacian_pyramid
from texture_kd.functional.contourlet.filters import pyramid_taps

FILTERS = ["9-7", "maxflat", "burt", "haar"]


def reference(x, filter):
    """Spatial pyramid of an image with even sides."""
    h, g = (np.array(taps) for taps in pyramid_taps(filter))
    if filter == "haar":
        # Two taps that look ahead, and two that look back.
        h, g = np.array([*h, 0]), np.array([0, *g])
    identity = np.eye(2, dtype=int)
    low = convolve(x, np.outer(h, h), identity)[::2, ::2]
    up = np.zeros_like(x)
    up[::2, ::2] = low
    return low, x - convolve(up, np.outer(g, g), identity)


@pytest.mark.parametrize("filter", FILTERS)
def test_equals_the_pyramid_in_space(filter):
    x = np.random.default_rng(0).standard_normal((12, 18))
    low, high, _ = laplacian_pyramid(torch.from_numpy(x)[None, None], filter)
    expected_low, expected_high = reference(x, filter)
    np.testing.assert_allclose(low[0, 0], expected_low, rtol=0, atol=1e-12)
    np.testing.assert_allclose(high[0, 0], expected_high, rtol=0, atol=1e-12)


@pytest.mark.parametrize("filter", FILTERS)
def test_low_passes_have_a_gain_of_sqrt_2_and_reject_nyquist(filter):
    for taps in pyramid_taps(filter):
        assert sum(taps) == pytest.approx(math.sqrt(2), abs=1e-12)
        if filter != "burt":
            alternating = sum((-1) ** m * tap for m, tap in enumerate(taps))
            assert alternating == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("filter", "lower", "upper"),
    [
        ("9-7", 0.801, 1.747),
        ("maxflat", 0.921, 1.047),
        ("burt", 0.912, 1.030),
        ("haar", 1.0, 1.0),
    ],
)
def test_frame_bounds(filter, lower, upper):
    n = 24
    impulses = torch.eye(n * n, dtype=torch.float64).reshape(n * n, 1, n, n)
    low, high, _ = laplacian_pyramid(impulses, filter)
    operator = torch.cat([low.flatten(1), high.flatten(1)], dim=1)
    eigenvalues = torch.linalg.eigvalsh(operator @ operator.mT)
    assert eigenvalues[0].item() == pytest.approx(lower, rel=0.02)
    assert eigenvalues[-1].item() == pytest.approx(upper, rel=0.02)


def test_shapes_and_the_mean():
    x = torch.full((2, 3, 7, 10), 5.0)
    low, high, _ = laplacian_pyramid(x)
    assert low.shape == (2, 3, 4, 5)
    assert high.shape == (2, 3, 8, 10)
    torch.testing.assert_close(low, torch.full_like(low, 10.0))
    torch.testing.assert_close(high, torch.zeros_like(high), rtol=0, atol=1e-5)


def test_unknown_filters_are_refused():
    with pytest.raises(ValueError, match=r"9-7.*maxflat.*burt.*haar.*got 'db2'"):
        laplacian_pyramid(torch.zeros(1, 1, 4, 4), "db2")
