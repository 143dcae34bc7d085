"""Mosaics in which only texture tells one class from another, in pure NumPy."""

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from texture_kd.datasets.textures import MIN_SIDE, TEXTURES, gaussian_field, intensities

__all__ = [
    "SPLITS",
    "Mosaic",
    "Split",
    "check_identity",
    "check_knobs",
    "texture_mosaic",
]

Split = Literal["train", "val", "test"]

SPLITS: tuple[Split, ...] = ("train", "val", "test")

# Grey levels. The widest texture (about 5 standard deviations) around the extreme
# mean colours stays inside 0..255, so that clipping gives no class away.
_MEAN_COLOUR = (100.0, 156.0)
_CONTRAST = (10.0, 20.0)
_CHANNEL_CONTRAST = (0.7, 1.0)


class Mosaic(NamedTuple):
    """One image of the data set and its labels.

    Attributes:
        image: uint8 of shape (H, W, 3). Channels are exchangeable: RGB or BGR.
        label: uint8 of shape (H, W), values in [0, 12).
    """

    image: NDArray[np.uint8]
    label: NDArray[np.uint8]


def texture_mosaic(
    seed: int,
    index: int,
    split: Split,
    size: tuple[int, int] = (128, 128),
    regions: tuple[int, int] = (6, 16),
    noise: float = 6.0,
) -> Mosaic:
    """Draw the mosaic that belongs to a seed, an index and a split.

    The plane is cut into Voronoi regions. Each gets a class, drawn evenly, and,
    independently of it, a mean colour and a contrast: neither the mean, nor the
    variance, nor the colour of a region says anything about its class.

    The same arguments give the same bytes, in any process and in any order, as long
    as NumPy stays the same. Different splits and seeds are independent streams.

    Args:
        seed: Seed of the data set, not negative.
        index: Number of the image in its split, not negative.
        split: ``'train'``, ``'val'`` or ``'test'``.
        size: Height and width in pixels, each at least 32.
        regions: Least and greatest number of regions, both included. The number is
            drawn evenly from this range; more regions mean smaller ones.
        noise: Standard deviation, in grey levels of 0..255, of the white Gaussian
            noise that covers the image; 0 leaves it out.

    Returns:
        The image and the label of every pixel.

    Raises:
        ValueError: If an argument is outside what is given above.
    """
    check_identity(seed, split, index)
    check_knobs(size, regions, noise)
    rng = np.random.default_rng(
        np.random.SeedSequence(seed, spawn_key=(SPLITS.index(split), index))
    )
    count = int(rng.integers(regions[0], regions[1], endpoint=True))
    region = _voronoi(size, count, rng)
    label_of_region = rng.integers(len(TEXTURES), size=count).astype(np.uint8)
    label = label_of_region[region]
    texture = _fill(label, rng)
    image = _paint(texture, region, count, noise, rng)
    return Mosaic(image, label)


def check_identity(seed: int, split: str, index: int = 0) -> None:
    """Refuse a seed, split or index that names no mosaic.

    Args:
        seed: Seed of the data set.
        split: Name of the split.
        index: Number of the image in its split.

    Raises:
        ValueError: If ``split`` is unknown, or ``seed`` or ``index`` is negative.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {SPLITS}, got {split!r}")
    if seed < 0 or index < 0:
        raise ValueError(
            f"seed and index must not be negative, got seed={seed}, index={index}"
        )


def check_knobs(size: tuple[int, int], regions: tuple[int, int], noise: float) -> None:
    """Refuse values of the generator's knobs that make no mosaic.

    Args:
        size: Height and width in pixels.
        regions: Least and greatest number of regions.
        noise: Standard deviation of the noise in grey levels.

    Raises:
        ValueError: If ``size`` is not two sides of at least 32 pixels, ``regions``
            is not two numbers with 1 <= least <= greatest, or ``noise`` is negative
            or not finite.
    """
    if len(size) != 2 or min(size) < MIN_SIDE:
        raise ValueError(
            f"size must be (height, width), each at least {MIN_SIDE} pixels, "
            f"got {tuple(size)}"
        )
    if len(regions) != 2 or not 1 <= regions[0] <= regions[1]:
        raise ValueError(
            "regions must be (least, greatest) with 1 <= least <= greatest, "
            f"got {tuple(regions)}"
        )
    if not (math.isfinite(noise) and noise >= 0):
        raise ValueError(f"noise must be finite and not negative, got {noise}")


def _voronoi(
    size: tuple[int, int], count: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Number of the nearest of ``count`` random centres, for every pixel."""
    centre_y, centre_x = rng.random((2, count), dtype=np.float32) * np.float32(
        np.array(size)[:, None]
    )
    y, x = (np.arange(n, dtype=np.float32) for n in size)
    distance = (y - centre_y[:, None])[:, :, None] ** 2 + (
        (x - centre_x[:, None]) ** 2
    )[:, None, :]
    return distance.argmin(axis=0)


def _fill(label: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.floating]:
    """Texture of each pixel's class: (H, W), mean 0 and variance 1."""
    texture = np.empty(label.shape, np.float32)
    for present in np.unique(label):
        where = label == present
        field = gaussian_field(int(present), label.shape, rng)
        texture[where] = intensities(int(present), field[where])
    return texture


def _paint(
    texture: NDArray[np.floating],
    region: NDArray[np.intp],
    count: int,
    noise: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Colour each region at random and add noise: (H, W, 3)."""
    shape = (count, 3)
    mean = rng.uniform(*_MEAN_COLOUR, shape).astype(np.float32)
    contrast = rng.uniform(*_CONTRAST, (count, 1)) * rng.uniform(
        *_CHANNEL_CONTRAST, shape
    )
    image = mean[region] + contrast.astype(np.float32)[region] * texture[..., None]
    image += noise * rng.standard_normal(image.shape, dtype=np.float32)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
