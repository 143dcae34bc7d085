import hashlib
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest

from texture_kd.datasets.mosaic import SPLITS, texture_mosaic
from texture_kd.datasets.textures import TEXTURES

CLASSES = len(TEXTURES)
CHANCE = 1 / CLASSES


def digest(seed: int, index: int, split: str) -> str:
    image, label = texture_mosaic(seed, index, split, size=(48, 64))
    return hashlib.sha256(image.tobytes() + label.tobytes()).hexdigest()


def test_shapes_types_and_range():
    image, label = texture_mosaic(0, 0, "train", size=(40, 56))
    assert (image.shape, image.dtype) == ((40, 56, 3), np.uint8)
    assert (label.shape, label.dtype) == ((40, 56), np.uint8)
    assert label.max() < CLASSES


def test_order_does_not_matter():
    indices = [5, 0, 3, 0]
    forth = {i: digest(7, i, "val") for i in indices}
    back = {i: digest(7, i, "val") for i in reversed(indices)}
    assert forth == back


def test_another_process_draws_the_same_bytes():
    program = (
        "import hashlib; from texture_kd.datasets.mosaic import texture_mosaic\n"
        "for i in (2, 1):\n"
        "    image, label = texture_mosaic(3, i, 'test', size=(48, 64))\n"
        "    text = image.tobytes() + label.tobytes()\n"
        "    print(hashlib.sha256(text).hexdigest())\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == [digest(3, i, "test") for i in (2, 1)]


def test_splits_seeds_and_indices_never_meet():
    # 2**32 and 0 with index 1: words of the seed must not run into those of the index.
    digests = [
        digest(seed, index, split)
        for seed in (0, 1, 2**32)
        for split in SPLITS
        for index in range(12)
    ]
    assert len(set(digests)) == len(digests)


def test_every_class_occurs_about_equally_often():
    labels = [texture_mosaic(0, i, "train", (64, 64)).label for i in range(200)]
    share = np.bincount(np.ravel(labels), minlength=CLASSES) / np.size(labels)
    assert share.shape == (CLASSES,)
    assert (np.abs(share / CHANCE - 1) < 0.4).all()


def test_the_number_of_regions_is_kept():
    label = texture_mosaic(0, 0, "train", regions=(1, 1)).label
    assert np.unique(label).size == 1
    classes = [
        np.unique(texture_mosaic(0, i, "train", regions=(2, 2)).label).size
        for i in range(20)
    ]
    assert max(classes) == 2


def test_no_texture_is_clipped():
    for index in range(60):
        image = texture_mosaic(0, index, "train", (64, 64), noise=0).image
        assert image.min() > 0
        assert image.max() < 255


def test_noise_is_white_and_of_the_given_strength():
    clean, noisy = (
        texture_mosaic(0, 0, "train", noise=noise).image.astype(float)
        for noise in (0, 10)
    )
    difference = noisy - clean
    assert difference.std() == pytest.approx(10, rel=0.03)
    assert abs(np.corrcoef(difference.reshape(-1, 3).T)[0, 1]) < 0.03


class Samples(NamedTuple):
    images: np.ndarray
    labels: np.ndarray


@pytest.fixture(scope="module")
def regions() -> Samples:
    """Images of a single region each."""
    drawn = [texture_mosaic(0, i, "train", (48, 48), (1, 1)) for i in range(1600)]
    return Samples(
        np.stack([m.image for m in drawn]).astype(np.float32),
        np.array([m.label[0, 0] for m in drawn]),
    )


def first_order(images: np.ndarray) -> np.ndarray:
    """Mean and deviation of each channel, and of the grey image."""
    grey = images.mean(-1, keepdims=True)
    both = np.concatenate([images, grey], -1)
    return np.concatenate([both.mean((1, 2)), both.std((1, 2))], 1)


def texture_statistics(images: np.ndarray) -> np.ndarray:
    """Third and fourth moment, and the spectrum's share in 2 bands x 3 directions."""
    grey = images.mean(-1)
    grey = (grey - grey.mean((1, 2), keepdims=True)) / grey.std((1, 2), keepdims=True)
    moments = [(grey**3).mean((1, 2)), np.log((grey**4).mean((1, 2)))]
    power = np.abs(np.fft.fft2(grey)) ** 2
    down, right = np.meshgrid(*map(np.fft.fftfreq, grey.shape[1:]), indexing="ij")
    sector = np.round(np.degrees(np.arctan2(-down, right)) / 60) % 3
    radius = np.hypot(down, right)
    for low, high in ((0.05, 0.14), (0.14, 0.32)):
        for direction in range(3):
            cell = (sector == direction) & (radius >= low) & (radius < high)
            moments.append(np.log(power[:, cell].mean(1)))
    return np.stack(moments, 1)


def scores(features: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Held-out accuracy of the nearest centroid and of 15 nearest neighbours."""
    features = (features - features.mean(0)) / features.std(0)
    half = len(labels) // 2
    train, test = features[:half], features[half:]
    centroids = np.stack([train[labels[:half] == c].mean(0) for c in range(CLASSES)])
    by_centroid = distances(test, centroids).argmin(1)
    nearest = distances(test, train).argpartition(15, axis=1)[:, :15]
    votes = np.eye(CLASSES)[labels[:half][nearest]].sum(1)
    return tuple(
        float((guess == labels[half:]).mean())
        for guess in (by_centroid, votes.argmax(1))
    )


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return ((a[:, None] - b[None]) ** 2).sum(-1)


def test_colour_mean_and_variance_say_nothing(regions):
    # Chance is 0.083, and 800 guesses have a standard deviation of 0.010.
    assert max(scores(first_order(regions.images), regions.labels)) < CHANCE + 0.04


def test_no_class_has_a_colour_mean_or_variance_of_its_own(regions):
    features = first_order(regions.images)
    features = (features - features.mean(0)) / features.std(0)
    for label in range(CLASSES):
        mine = features[regions.labels == label]
        assert (np.abs(mine.mean(0)) * len(mine) ** 0.5 < 4.5).all()


def test_texture_statistics_say_nearly_all(regions):
    assert min(scores(texture_statistics(regions.images), regions.labels)) > 0.85


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(split="trian"), "split must be one of"),
        (dict(seed=-1), "seed=-1"),
        (dict(index=-2), "index=-2"),
        (dict(size=(128, 31)), r"at least 32 pixels, got \(128, 31\)"),
        (dict(size=(128,)), r"got \(128,\)"),
        (dict(regions=(0, 4)), r"got \(0, 4\)"),
        (dict(regions=(5, 4)), r"got \(5, 4\)"),
        (dict(noise=-1.0), "got -1.0"),
        (dict(noise=float("nan")), "got nan"),
    ],
)
def test_bad_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        texture_mosaic(**(dict(seed=0, index=0, split="train") | change))
