from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from texture_kd.datasets.mosaic import texture_mosaic
from texture_kd.functional import (
    HistogramOptions,
    cosine_self_similarity,
    important_points,
    region_std,
    select_regions,
    texture_histogram,
)
from texture_kd.visualization import equalised, sampled_image
from texture_kd.visualization.sampled import shown_regions


def picture(size=(96, 64)):
    return texture_mosaic(0, 3, "val", size=size).image


def features(image):
    return torch.tensor(image).permute(2, 0, 1)[None].float()


def test_the_histograms_are_those_before_and_after():
    x = torch.randn(1, 5, 6, 7)
    options = HistogramOptions(count=9, theta=0.6, alpha=0.5)
    pair = equalised(cosine_self_similarity(x), options)
    assert pair.size == (6, 7)
    row = cosine_self_similarity(x).flatten(1)
    uniform = texture_histogram(row, replace(options, placement="uniform"))
    for found, expected in (
        (pair.before, uniform),
        (pair.after, texture_histogram(row, options)),
    ):
        assert torch.equal(found.levels.centres, expected.levels.centres)
        assert torch.equal(found.counts, expected.counts)
        assert torch.equal(found.denoised, expected.denoised)
    centres = torch.arange(1, 10) / 9
    torch.testing.assert_close(pair.before.levels.centres[0], centres)
    assert not torch.allclose(pair.after.levels.centres[0], centres)


@settings(max_examples=25, deadline=None)
@given(importance=st.floats(0, 1), regions=st.integers(1, 12))
def test_important_regions_are_those_that_chance_does_not_change(importance, regions):
    contrast = torch.rand(1, 3 * regions, 1, generator=torch.manual_seed(regions))
    boxes = torch.arange(3 * regions)[:, None, None].expand(1, -1, -1, 4)
    chosen = [
        select_regions(contrast, boxes, regions, importance, torch.manual_seed(seed))
        for seed in range(40)
    ]
    # The random ones are drawn from twice as many points at least.
    always = set.intersection(*({*x[0, :, 0].tolist()} for x in chosen))
    assert important_points(regions, importance) == len(always)


@pytest.mark.parametrize(
    ("important", "regions", "shown"),
    [(12, 16, [1, 13]), (16, 16, [1]), (0, 16, [1]), (1, 2, [1, 2]), (1, 1, [1])],
)
def test_one_region_of_each_kind_is_shown(important, regions, shown):
    assert shown_regions(important, regions) == shown


def test_the_regions_of_an_image_are_chosen_by_contrast():
    image = picture()
    sampled = sampled_image(image)
    similarity = cosine_self_similarity(features(image))
    assert torch.equal(sampled.similarity, similarity[0])
    assert sampled.boxes.shape == (16, 4)
    assert sampled.important == 12
    contrast = region_std(similarity, sampled.boxes[None])[0]
    assert contrast[:12].min() > contrast[12:].max()
    assert torch.equal(contrast[:12].sort(descending=True).values, contrast[:12])


@pytest.mark.parametrize("side", [32, 128])
def test_the_regions_grow_with_the_image(side):
    boxes = sampled_image(picture((side, 2 * side))).boxes
    shapes = (boxes[:, 2:] - boxes[:, :2]).float()
    shares = shapes.prod(1).sqrt() / side
    # To whole pixels.
    distance = (shares[:, None] - torch.tensor([1 / 16, 1 / 8, 1 / 4])).abs().amin(1)
    assert distance.max() < 1 / side
    assert len(shapes.unique(dim=0)) > 2


def test_histograms_are_of_the_image_and_of_its_regions_alone():
    image = picture()
    sampled = sampled_image(image)
    assert list(sampled.histograms) == [0, 1, 13]
    whole = sampled.histograms.pop(0)
    assert torch.equal(
        whole.after.counts,
        equalised(
            cosine_self_similarity(features(image)), HistogramOptions()
        ).after.counts,
    )
    for number, pair in sampled.histograms.items():
        y0, x0, y1, x1 = sampled.boxes[number - 1].tolist()
        assert pair.size == (y1 - y0, x1 - x0)
        region = cosine_self_similarity(features(image[y0:y1, x0:x1]))
        expected = texture_histogram(region.flatten(1))
        # A processor sums float32 in an order of its own.
        close = dict(rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(pair.after.intensity, expected.intensity, **close)
        torch.testing.assert_close(pair.after.denoised, expected.denoised, **close)


def test_an_image_has_the_same_regions_each_time_and_leaves_chance_alone():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first, second = sampled_image(picture()), sampled_image(picture())
    assert torch.equal(first.boxes, second.boxes)
    assert torch.equal(torch.get_rng_state(), state)


def shades(*colour, black=False):
    factor = np.linspace(0 if black else 0.2, 1, 40 * 40).reshape(40, 40, 1)
    return (factor * np.array(colour)).round().astype(np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        shades(255, 255, 255),
        shades(255, 255, 255, black=True),
        shades(0, 200, 0, black=True),
        np.full((40, 40, 3), (200, 100, 0), np.uint8),
        np.zeros((40, 40, 3), np.uint8),
        np.full((1, 1, 3), (200, 100, 0), np.uint8),
    ],
)
def test_an_image_of_one_colour_has_no_statistics(image):
    with pytest.raises(ValueError, match="image of several colours, got shades of one"):
        sampled_image(image)


def test_black_pixels_in_a_coloured_image_are_drawn():
    image = picture()
    image[:8, :8] = 0
    sampled = sampled_image(image)
    assert sampled.similarity[:8, :8].count_nonzero() == 0
    assert all(
        torch.isfinite(pair.after.denoised).all()
        for pair in sampled.histograms.values()
    )


@pytest.mark.parametrize("size", [(2, 3), (1, 40)])
def test_the_smallest_images_have_regions(size):
    image = np.random.default_rng(0).integers(256, size=(*size, 3), dtype=np.uint8)
    sampled = sampled_image(image)
    assert (sampled.boxes[:, 2:] > sampled.boxes[:, :2]).all()
    assert (sampled.boxes[:, 2:] <= torch.tensor(size)).all()
