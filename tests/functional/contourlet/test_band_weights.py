import itertools

import pytest
import torch

from texture_kd.functional import band_weights, contourlet


def band_energies(x, levels, pyramid="maxflat", directional="dmaxflat7"):
    """Mean squares of the bands of a filter bank, over all positions."""
    bands = contourlet(x, levels, pyramid, directional)
    stacks = [stack for level in bands.directional for stack in level.stacks]
    return torch.cat([stack.square().mean((0, 1, 3, 4)) for stack in stacks])


def over_all_shifts(x, levels, *filters, steps):
    shifts = itertools.product(range(steps), repeat=2)
    energies = [band_energies(x.roll(s, (2, 3)), levels, *filters) for s in shifts]
    return torch.stack(energies).mean(0)


@pytest.mark.parametrize("pyramid", ["9-7", "maxflat", "burt", "haar"])
@pytest.mark.parametrize("directional", ["dmaxflat7", "pkva"])
@pytest.mark.parametrize(
    ("levels", "size", "steps"),
    [
        ((4, 3), (16, 32), 8),
        ((3, 2), (24, 8), 4),
        ((1, 2), (8, 12), 4),
        ((2, 1, 1), (16, 24), 8),
        ((1,), (6, 10), 2),
        ((3,), (4, 4), 4),
    ],
)
def test_a_weighted_spectrum_is_the_mean_energy_over_all_shifts(
    levels, size, steps, pyramid, directional
):
    torch.manual_seed(0)
    x = torch.randn(1, 1, *size, dtype=torch.float64)
    spectrum = torch.fft.rfft2(x)[0, 0].abs().square()
    found = (band_weights(size, levels, pyramid, directional) * spectrum).sum((1, 2))
    expected = over_all_shifts(x, levels, pyramid, directional, steps=steps)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


def test_what_is_averaged_away_depends_on_where_an_image_begins():
    torch.manual_seed(0)
    x = torch.randn(1, 1, 32, 32, dtype=torch.float64)
    there, here = band_energies(x, (4, 3)), band_energies(x.roll(1, 3), (4, 3))
    assert ((there - here) / here).abs().max() > 0.01


@pytest.mark.parametrize("levels", [(4, 3), (1, 1)])
def test_a_mean_weighs_nothing_and_nothing_weighs_less(levels):
    weights = band_weights((32, 48), levels)
    assert weights.shape == (sum(2**n for n in levels), 32, 25)
    assert weights.dtype == torch.float64
    assert torch.equal(weights[:, 0, 0], torch.zeros(len(weights)).double())
    assert weights.min() >= 0


def test_weights_of_64_sizes_are_kept_and_made_once():
    sizes = [(8 * i, 8) for i in range(1, 65)]
    first = [band_weights(size) for size in sizes]
    assert all(a is band_weights(b) for a, b in zip(first, sizes, strict=True))


@pytest.mark.parametrize(
    ("size", "options", "message"),
    [
        ((8, 12), {}, r"multiples of 8 for levels \(4, 3\), got \(8, 12\)"),
        ((0, 8), {}, "multiples of 8"),
        ((8, 8), {"levels": ()}, "at least one contourlet level"),
        ((8, 8), {"pyramid": "db2"}, "got 'db2'"),
    ],
)
def test_what_has_no_weights_is_named(size, options, message):
    with pytest.raises(ValueError, match=message):
        band_weights(size, **options)
