import math

import numpy as np
import pytest

from texture_kd.datasets.textures import (
    TEXTURES,
    Grating,
    gaussian_field,
    intensities,
    texture_field,
)

SIZE = (96, 112)
NAMES = list(TEXTURES)
STRUCTURAL = [n for n, recipe in TEXTURES.items() if isinstance(recipe, Grating)]
STATISTICAL = [n for n in NAMES if n not in STRUCTURAL]


@pytest.fixture(scope="module")
def fields() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        name: np.stack([texture_field(label, SIZE, rng) for _ in range(40)])
        for label, name in enumerate(NAMES)
    }


def ks_distance(a: np.ndarray, b: np.ndarray) -> float:
    grid = np.linspace(-5, 5, 501)
    cdfs = [np.searchsorted(np.sort(x, axis=None), grid) / x.size for x in (a, b)]
    return float(np.abs(cdfs[0] - cdfs[1]).max())


def power(field: np.ndarray) -> np.ndarray:
    return (np.abs(np.fft.fft2(field)) ** 2).mean(0) / field[0].size


def frequencies() -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.meshgrid(*map(np.fft.fftfreq, SIZE), indexing="ij"))


def pairs(names: list[str]) -> list[tuple[str, str]]:
    return [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]


def test_six_classes_of_each_kind():
    assert (len(STRUCTURAL), len(STATISTICAL)) == (6, 6)


@pytest.mark.parametrize("name", NAMES)
def test_mean_and_variance_are_shared(fields, name):
    assert abs(fields[name].mean()) < 0.02
    assert fields[name].var() == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(("one", "other"), pairs([*STRUCTURAL, "gaussian"]))
def test_structural_classes_share_their_histogram(fields, one, other):
    assert ks_distance(fields[one], fields[other]) < 0.015


@pytest.mark.parametrize(("one", "other"), pairs(STATISTICAL))
def test_statistical_classes_differ_in_their_histogram(fields, one, other):
    assert ks_distance(fields[one], fields[other]) > 0.05


@pytest.mark.parametrize("name", STATISTICAL)
def test_statistical_classes_share_their_spectrum(fields, name):
    ring = np.digitize(np.hypot(*frequencies()), np.arange(0.04, 0.5, 0.04)).ravel()
    found, wanted = (
        np.bincount(ring, power(fields[n]).ravel()) for n in (name, "gaussian")
    )
    # Next to nothing lies above 0.36 cycles a pixel; there the total is the measure.
    slack = 0.005 * wanted.sum()
    np.testing.assert_allclose(found, wanted, rtol=0.1, atol=slack)


@pytest.mark.parametrize("name", STATISTICAL)
def test_statistical_classes_have_no_direction(fields, name):
    down, right = frequencies()
    spectrum = power(fields[name])
    ratio = (spectrum * down**2).sum() / (spectrum * right**2).sum()
    assert ratio == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("name", STRUCTURAL)
def test_ridges_have_the_scale_and_the_direction_of_their_name(fields, name):
    down, right = frequencies()
    spectrum = power(fields[name])
    # The wave vector's mean doubled angle; y points down, and ridges are normal to it.
    doubled = (spectrum * (right - 1j * down) ** 2).sum()
    degrees = (math.degrees(np.angle(doubled)) / 2 + 90) % 180
    named = float(name.split("_")[1].removesuffix("deg"))
    assert abs((degrees - named + 90) % 180 - 90) < 2
    radius = np.hypot(down, right)
    band = (radius > 0.04) & (radius < 0.45)
    # The band is a bell in log2 frequency, and a ring's area grows with that squared.
    density = spectrum[band] / radius[band] ** 2
    centre = 2 ** np.average(np.log2(radius[band]), weights=density)
    assert centre == pytest.approx(TEXTURES[name].frequency, rel=0.05)


def test_mirroring_swaps_two_directions(fields):
    mirrored = power(fields["fine_60deg"][:, :, ::-1])
    others = {n: power(fields[n]) for n in STRUCTURAL}
    nearest = min(others, key=lambda n: np.abs(others[n] - mirrored).sum())
    assert nearest == "fine_120deg"


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 37)])
def test_odd_sizes(size):
    rng = np.random.default_rng(0)
    for label in range(len(TEXTURES)):
        field = texture_field(label, size, rng)
        assert field.shape == size
        assert np.isfinite(field).all()


def test_the_pointwise_half_keeps_shape_and_order():
    values = np.linspace(-4, 4, 33).reshape(3, 11)
    for label in range(len(TEXTURES)):
        mapped = intensities(label, values)
        assert mapped.shape == values.shape
        assert (np.diff(mapped, axis=1) >= 0).all()
        assert np.abs(mapped).max() <= 5


def test_the_spatial_half_is_standard_normal():
    rng = np.random.default_rng(0)
    for label in range(len(TEXTURES)):
        field = np.stack([gaussian_field(label, SIZE, rng) for _ in range(10)])
        assert field.dtype == np.float32
        assert field.std() == pytest.approx(1, abs=0.05)
