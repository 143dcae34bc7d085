import math
import statistics
from collections import Counter
from fractions import Fraction

import pytest
import torch
from dtiem_reference import half_up
from hypothesis import given, settings
from hypothesis import strategies as st

from texture_kd.functional import (
    SamplerOptions,
    anchor_boxes,
    region_std,
    sample_regions,
    select_regions,
)

CASES = settings(max_examples=50, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def looped_anchors(y, x, size, scales, ratios):
    boxes = []
    for scale in scales:
        for ratio in ratios:
            start, end = [], []
            sides = scale * math.sqrt(ratio), scale / math.sqrt(ratio)
            for centre, side, limit in zip((y, x), sides, size, strict=True):
                side = min(max(half_up(side), 2), limit)
                first = centre - side // 2
                while first < 0:
                    first += 1
                while first + side > limit:
                    first -= 1
                start.append(first)
                end.append(first + side)
            boxes.append(start + end)
    return boxes


def random_boxes(size, number):
    """Boxes (number, 4) of any size in a map."""
    corners = []
    for length in size:
        start = torch.randint(0, length, (number,))
        ends = [int(torch.randint(s + 1, length + 1, ())) for s in start.tolist()]
        corners.append((start, torch.tensor(ends)))
    (y0, y1), (x0, x1) = corners
    return torch.stack([y0, x0, y1, x1], 1)


def looped_std(intensity, box):
    y0, x0, y1, x1 = box
    values = [intensity[y][x] for y in range(y0, y1) for x in range(x0, x1)]
    return statistics.pstdev(values)


@CASES
@given(
    SEEDS,
    SIZES,
    st.lists(st.sampled_from([0.4, 1, 3, 8, 9.5, 16, 32]), min_size=1, max_size=3),
    st.lists(st.sampled_from([0.5, 1, 2, 3]), min_size=1, max_size=3),
)
def test_anchors_are_placed_as_in_loops(seed, size, scales, ratios):
    torch.manual_seed(seed)
    points = (torch.rand(2, 5, 2) * torch.tensor(size)).long()
    # The corners, too: there they are shifted.
    points[0, 0], points[1, 4] = 0, torch.tensor(size) - 1
    boxes = anchor_boxes(points, size, scales, ratios)
    wanted = [
        [looped_anchors(*point, size, scales, ratios) for point in image]
        for image in points.tolist()
    ]
    assert boxes.tolist() == wanted
    assert boxes.dtype == torch.int64


def test_the_anchors_of_the_defaults():
    (boxes,) = anchor_boxes(torch.tensor([[50, 60]]), (100, 120))
    shapes = (boxes[:, 2:] - boxes[:, :2]).tolist()
    assert shapes == [
        [6, 11], [8, 8], [11, 6],
        [11, 23], [16, 16], [23, 11],
        [23, 45], [32, 32], [45, 23],
    ]  # fmt: skip
    assert boxes[1].tolist() == [46, 56, 54, 64]
    # Shifted, not clipped: an anchor has its shape everywhere.
    corners = torch.tensor([[0, 0], [0, 119], [99, 0], [99, 119]])
    for box in anchor_boxes(corners, (100, 120)):
        assert (box[:, 2:] - box[:, :2]).tolist() == shapes


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 2), (3, 3)])
def test_maps_smaller_than_an_anchor_are_regions_themselves(size):
    points = torch.tensor([[0, 0], [size[0] - 1, size[1] - 1]])
    boxes = anchor_boxes(points, size, (32,), (1,))
    assert boxes.tolist() == [[[0, 0, *size]]] * 2
    sampled = sample_regions(torch.rand(2, *size), generator())
    assert sampled.shape == (2, min(16, math.prod(size)), 4)
    assert (sampled[..., 2:] <= torch.tensor(size)).all()


@CASES
@given(SEEDS, SIZES, st.sampled_from([0.0, 1e6]))
def test_contrast_is_the_standard_deviation_in_loops(seed, size, offset):
    torch.manual_seed(seed)
    intensity = torch.randn(2, *size, dtype=torch.float64)
    boxes = random_boxes(size, 6).reshape(2, 3, 1, 4)
    found = region_std(intensity + offset, boxes)
    assert found.shape == (2, 3, 1)
    assert found.dtype == torch.float64
    for image, image_boxes, row in zip(intensity, boxes, found, strict=True):
        for box, std in zip(image_boxes.flatten(0, 1).tolist(), row, strict=True):
            # A box of one pixel: the root of a difference of equal numbers.
            wanted = looped_std(image.tolist(), box)
            assert std.item() == pytest.approx(wanted, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 1 / 3, -1e6])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_constant_regions_have_no_contrast(value, dtype):
    torch.manual_seed(0)
    intensity = torch.full((1, 20, 30), max(value, -6e4)).to(dtype)
    boxes = random_boxes((20, 30), 40)[None]
    assert (region_std(intensity, boxes) < 1e-6).all()
    # Beside others, too.
    intensity[:, :, 15:] += torch.rand(20, 15).to(dtype)
    left = random_boxes((20, 15), 40)[None]
    contrast = region_std(intensity, left)
    assert contrast.isfinite().all()
    assert (contrast < 1e-6).all()
    right = left + torch.tensor([0, 15, 0, 15])
    large = ((right[..., 2:] - right[..., :2]) > 4).all(-1)
    if dtype != torch.float16:
        assert (region_std(intensity, right)[large] > 0.1).all()


@CASES
@given(SEEDS, st.integers(1, 12), st.integers(1, 14), st.integers(0, 4))
def test_the_points_of_highest_contrast_are_selected(seed, points, count, quarters):
    torch.manual_seed(seed)
    # Whole contrasts have ties between points and between the anchors of a point.
    contrast = torch.randint(0, 4, (2, points, 3)).double()
    boxes = torch.arange(2 * points * 3).reshape(2, points, 3, 1).expand(-1, -1, -1, 4)
    selected = select_regions(contrast, boxes, count, quarters / 4, generator(seed))
    kept = min(count, points)
    assert selected.shape == (2, kept, 4)
    important = half_up(Fraction(quarters, 4) * kept)
    for row, table, numbers in zip(selected, contrast.tolist(), boxes, strict=True):
        best = [max(range(3), key=lambda j, a=anchors: a[j]) for anchors in table]
        names = [numbers[i, j, 0].item() for i, j in enumerate(best)]
        order = sorted(range(points), key=lambda i: -table[i][best[i]])
        found = row[:, 0].tolist()
        assert found[:important] == [names[i] for i in order[:important]]
        assert len(set(found)) == kept
        assert set(found[important:]) <= {names[i] for i in order[important:]}


def test_the_other_points_are_drawn_uniformly_from_all_the_rest():
    contrast = torch.arange(12.0).reshape(1, 12, 1)
    boxes = torch.arange(12).reshape(1, 12, 1, 1).expand(-1, -1, -1, 4)
    drawn = Counter()
    for seed in range(600):
        selected = select_regions(contrast, boxes, 4, 0.5, generator(seed))[0, :, 0]
        assert selected[:2].tolist() == [11, 10]
        drawn.update(selected[2:].tolist())
    # 120 times each, with a standard deviation of 10.
    assert sorted(drawn) == list(range(10))
    assert min(drawn.values()) > 70
    assert max(drawn.values()) < 170


@CASES
@given(SEEDS, st.tuples(st.integers(2, 9), st.integers(2, 9)), st.integers(1, 9))
def test_the_best_regions_of_all_pixels_are_found(seed, size, count):
    torch.manual_seed(seed)
    intensity = torch.rand(2, *size, dtype=torch.float64)
    scales, ratios = (2, 4), (0.5, 1)
    # So many points compete that each pixel is one of them.
    options = SamplerOptions(count, 81, 1, scales, ratios)
    found = sample_regions(intensity, generator(seed), options)
    for image, boxes in zip(intensity.tolist(), found.tolist(), strict=True):
        best = []
        for pixel in range(math.prod(size)):
            y, x = divmod(pixel, size[1])
            anchors = looped_anchors(y, x, size, scales, ratios)
            best.append(max(looped_std(image, box) for box in anchors))
        best = sorted(best, reverse=True)[:count]
        assert [looped_std(image, box) for box in boxes] == pytest.approx(best)


def test_competing_points_are_distinct_pixels():
    # As many as there are pixels: each of them once.
    pixels = torch.cartesian_prod(torch.arange(6), torch.arange(7))
    wanted = sorted(anchor_boxes(pixels, (6, 7), (2,), (1,))[:, 0].tolist())
    options = SamplerOptions(42, 1, 0.5, (2,), (1,))
    for boxes in sample_regions(torch.rand(3, 6, 7), generator(), options):
        assert sorted(boxes.tolist()) == wanted


def test_competing_points_are_drawn_uniformly():
    options = SamplerOptions(1, 1, 0, (2,), (1,))
    drawn = Counter()
    for seed in range(30):
        boxes = sample_regions(torch.rand(40, 4, 5), generator(seed), options)
        drawn.update(tuple(box) for box in boxes[:, 0].tolist())
    pixels = torch.cartesian_prod(torch.arange(4), torch.arange(5))
    shared = Counter(
        tuple(box) for box in anchor_boxes(pixels, (4, 5), (2,), (1,))[:, 0].tolist()
    )
    assert set(drawn) == set(shared)
    # Of 1200 draws 60 for each pixel, with a standard deviation of 8.
    for box, number in shared.items():
        assert 20 < drawn[box] / number < 100


def test_only_as_many_points_compete_as_are_asked_for():
    # A single bright pixel: if all compete, its surroundings are always found.
    intensity = torch.zeros(1, 40, 40)
    intensity[0, 20, 20] = 1
    found = Counter()
    for seed in range(60):
        for oversampling in (1, 1.5, 1600):
            options = SamplerOptions(2, oversampling, 0.5, (2,), (1,))
            (boxes,) = sample_regions(intensity, generator(seed), options)
            y0, x0, y1, x1 = boxes[0].tolist()
            found[oversampling] += y0 <= 20 < y1 and x0 <= 20 < x1
    assert found[1600] == 60
    assert found[1] + found[1.5] < 10


@CASES
@given(SEEDS, SIZES, st.integers(1, 20), st.floats(1, 4), st.floats(0, 1))
def test_regions_lie_in_the_map_and_are_repeatable(
    seed, size, regions, oversampling, importance
):
    options = SamplerOptions(regions, oversampling, importance)
    intensity = torch.rand(2, *size, generator=generator(seed)).requires_grad_()
    boxes = sample_regions(intensity, generator(seed), options)
    assert boxes.shape == (2, min(regions, math.prod(size)), 4)
    assert boxes.dtype == torch.int64
    assert (boxes >= 0).all()
    assert (boxes[..., 2:] <= torch.tensor(size)).all()
    sides = boxes[..., 2:] - boxes[..., :2]
    assert (sides >= torch.tensor(size).clamp_max(2)).all()
    again = sample_regions(intensity, generator(seed), options)
    assert torch.equal(boxes, again)


def test_the_global_random_state_is_left_alone():
    intensity = torch.rand(2, 30, 40, generator=generator())
    torch.manual_seed(1)
    before = torch.get_rng_state()
    given_one = generator(5)
    boxes = sample_regions(intensity, given_one)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(sample_regions(intensity, generator(5)), boxes)
    # The next draw is another one.
    assert not torch.equal(sample_regions(intensity, given_one), boxes)
    # Without a generator the global state is what is used.
    torch.manual_seed(5)
    assert torch.equal(sample_regions(intensity), boxes)


@pytest.mark.parametrize(
    "intensity",
    [
        torch.rand(2, 3),
        torch.rand(1, 2, 3, 4),
        torch.ones(1, 3, 4, dtype=torch.long),
        torch.rand(1, 0, 4),
    ],
)
def test_other_intensities_are_refused(intensity):
    shape = str(tuple(intensity.shape)).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=f"{intensity.dtype} with shape {shape}"):
        sample_regions(intensity)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(regions=0), "at least one region, got 0"),
        (dict(oversampling=0.5), "oversampling of at least 1, got 0.5"),
        (dict(importance=1.5), "importance from 0 to 1, got 1.5"),
        (dict(scales=()), r"positive scales, got \(\)"),
        (dict(ratios=(1, 0)), r"positive ratios, got \(1, 0\)"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SamplerOptions(**options)


# Padding. --------------------------------------------------------------------------


def crops(seed, size=(45, 60)):
    """The valid areas of two images that were resized by 0.6 to 1 and padded."""
    scale = 0.6 + 0.4 * torch.rand(2, generator=generator(seed))
    area = torch.zeros(2, 1, *size, dtype=torch.bool)
    for image, share in zip(area, scale.tolist(), strict=True):
        image[:, : math.ceil(share * size[0]), : math.ceil(share * size[1])] = True
    return area


def padded(area, seed):
    """Intensities that vary most at the border of the padding."""
    inside = torch.rand(len(area), *area.shape[2:], generator=generator(seed))
    return inside.masked_fill(~area[:, 0], 10)


def whole(boxes, area):
    """Whether each box (B, M, 4) is wholly in the area."""
    return torch.tensor(
        [
            [bool(image[0, y0:y1, x0:x1].all()) for y0, x0, y1, x1 in rows]
            for image, rows in zip(area, boxes.tolist(), strict=True)
        ]
    )


def test_no_region_has_padding_in_a_thousand_draws():
    draws, touched = 0, 0
    for seed in range(32):
        area = crops(seed)
        intensity = padded(area, seed)
        boxes = sample_regions(intensity, generator(seed), area=area)
        assert whole(boxes, area).all()
        draws += boxes.shape[0] * boxes.shape[1]
        touched += (~whole(sample_regions(intensity, generator(seed)), area)).sum()
    assert draws >= 1000
    # Without the area most have.
    assert touched > 0.5 * draws


def test_what_stands_in_the_padding_makes_no_difference():
    area = crops(0)
    intensity = padded(area, 0)
    expected = sample_regions(intensity, generator(1), area=area)
    for value in (0, math.inf, math.nan):
        other = intensity.masked_fill(~area[:, 0], value)
        assert torch.equal(sample_regions(other, generator(1), area=area), expected)


def test_an_area_of_everything_changes_nothing():
    intensity = torch.rand(2, 30, 40, generator=generator())
    everything = torch.ones(2, 1, 30, 40, dtype=torch.bool)
    ours = sample_regions(intensity, generator(1), area=everything)
    assert torch.equal(ours, sample_regions(intensity, generator(1)))


def test_points_are_drawn_among_valid_pixels():
    area = torch.rand(2, 1, 12, 15, generator=generator()) > 0.5
    intensity = torch.rand(2, 12, 15, generator=generator(1))
    # A box of two by two pixels and up is about its point.
    options = SamplerOptions(regions=20, oversampling=1, importance=0, scales=(2,))
    for seed in range(20):
        boxes = sample_regions(intensity, generator(seed), options, area)
        for image, rows in zip(area, boxes.tolist(), strict=True):
            assert all(image[0, y0:y1, x0:x1].any() for y0, x0, y1, x1 in rows)


@pytest.mark.parametrize("importance", [0, 0.5, 1])
def test_boxes_with_padding_are_taken_where_nothing_else_is_left(importance):
    options = SamplerOptions(8, 6, importance, scales=(4,), ratios=(1,))
    area = torch.zeros(1, 1, 20, 20, dtype=torch.bool)
    area[:, :, 3:8, 3:9] = True
    intensity = padded(area, 0)
    # Centres at 5 and 6 by 5 to 7 have a whole box, and there are 30 valid pixels.
    boxes = sample_regions(intensity, generator(), options, area)
    assert whole(boxes, area).sum() == 6
    assert len(boxes[0]) == 8
    nothing = torch.zeros_like(area)
    assert sample_regions(intensity, generator(), options, nothing).shape == (1, 8, 4)


@pytest.mark.parametrize(
    "area", [torch.ones(1, 8, 8, dtype=torch.bool), torch.ones(1, 1, 8, 8)]
)
def test_an_area_of_another_kind_is_refused(area):
    with pytest.raises(ValueError, match="valid area as booleans"):
        sample_regions(torch.rand(1, 8, 8), area=area)
