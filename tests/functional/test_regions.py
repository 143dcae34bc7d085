import math
from fractions import Fraction

import pytest
import torch
from dtiem_reference import half_up
from hypothesis import example, given, settings
from hypothesis import strategies as st

from texture_kd.functional import (
    anchor_boxes,
    regions_of,
    sample_regions,
    scale_boxes,
    scale_regions,
    whole_maps,
    within,
)

CASES = settings(max_examples=50, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def random_boxes(size, scales=(2, 5), ratios=(0.5, 1)):
    points = (torch.rand(6, 2) * torch.tensor(size)).long()
    return anchor_boxes(points, size, scales, ratios)


@CASES
@given(SEEDS, SIZES, SIZES)
# Half of 15 is to be rounded up, and 15/26 is no number of floating point.
@example(0, (26, 26), (15, 15))
def test_boxes_are_scaled_as_in_fractions(seed, size, new_size):
    torch.manual_seed(seed)
    boxes = random_boxes(size, (2, 7.5, 24), (0.3, 1, 2.5))
    found = scale_boxes(boxes, size, new_size)
    if size == new_size:
        assert torch.equal(found, boxes)
        return
    pairs = zip(*(b.flatten(0, 1).tolist() for b in (boxes, found)), strict=True)
    for box, scaled in pairs:
        for axis in (0, 1):
            start, end = box[axis::2]
            factor = Fraction(new_size[axis], size[axis])
            side = min(max(half_up((end - start) * factor), 2), new_size[axis])
            assert scaled[axis + 2] - scaled[axis] == side
            first = math.floor((start + end) * factor / 2) - side // 2
            first = min(max(first, 0), new_size[axis] - side)
            assert scaled[axis] == first


@CASES
@given(SEEDS, SIZES, st.integers(1, 4), st.integers(1, 4))
def test_boxes_come_back_from_multiples_of_the_map(seed, size, rows, columns):
    torch.manual_seed(seed)
    # Sides of at least 2, as anchors have where the map allows.
    boxes = random_boxes(size)
    large = size[0] * rows, size[1] * columns
    scaled = scale_boxes(boxes, size, large)
    if min(size) > 1:
        factor = torch.tensor([rows, columns, rows, columns])
        assert torch.equal(scaled, boxes * factor)
    assert torch.equal(scale_boxes(scaled, large, size), boxes)


@CASES
@given(SEEDS, SIZES, SIZES)
def test_scaled_boxes_of_a_shape_have_a_shape(seed, size, new_size):
    torch.manual_seed(seed)
    boxes = scale_boxes(random_boxes(size), size, new_size)
    assert (boxes >= 0).all()
    assert (boxes[..., 2:] <= torch.tensor(new_size)).all()
    sides = boxes[..., 2:] - boxes[..., :2]
    assert (sides == sides[:1]).all()
    assert (sides >= torch.tensor(new_size).clamp_max(2)).all()


@CASES
@given(SEEDS, SIZES)
def test_regions_have_the_pixels_of_their_boxes(seed, size):
    torch.manual_seed(seed)
    boxes = sample_regions(torch.rand(3, *size))
    regions = regions_of(boxes, size)
    assert regions.size == size
    assert regions.images.tolist() == [i for i in range(3) for _ in boxes[i]]
    assert torch.equal(regions.boxes, boxes.flatten(0, 1))
    expected = [
        (r, y * size[1] + x + int(image) * size[0] * size[1])
        for r, (image, (y0, x0, y1, x1)) in enumerate(
            zip(regions.images, regions.boxes.tolist(), strict=True)
        )
        for y in range(y0, y1)
        for x in range(x0, x1)
    ]
    found = zip(regions.region.tolist(), regions.position.tolist(), strict=True)
    assert list(found) == expected
    counts = regions.region.bincount()
    assert torch.equal(regions.counts, counts)
    assert regions.largest == counts.max()
    places = [p for count in counts.tolist() for p in range(count)]
    assert regions.place.tolist() == places


def test_regions_are_transferred():
    torch.manual_seed(0)
    boxes = sample_regions(torch.rand(2, 24, 30))
    regions = regions_of(boxes, (24, 30))
    assert scale_regions(regions, (24, 30)) is regions
    other = scale_regions(regions, (13, 40))
    expected = regions_of(scale_boxes(boxes, (24, 30), (13, 40)), (13, 40))
    for ours, theirs in zip(other, expected, strict=True):
        assert torch.equal(torch.as_tensor(ours), torch.as_tensor(theirs))


@pytest.mark.parametrize("images", [1, 3])
def test_whole_maps_are_regions(images):
    boxes = torch.tensor([0, 0, 5, 7]).expand(images, 1, 4)
    expected = regions_of(boxes, (5, 7))
    for ours, theirs in zip(
        whole_maps(torch.rand(images, 2, 5, 7)), expected, strict=True
    ):
        assert torch.equal(torch.as_tensor(ours), torch.as_tensor(theirs))


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([[0, 0, 2, 2]], r"int64 boxes \(B, M, 4\).*\(1, 4\)"),
        ([[[0.0, 0, 2, 2]]], "torch.float32"),
        ([[]], r"\(B, M, 4\)"),
        ([[[0, 2, 2, 6]]], r"maps \(3, 5\), got \[0, 2, 2, 6\]"),
        ([[[0, 0, 3, 5], [-1, 0, 2, 2]]], r"got \[-1, 0, 2, 2\]"),
        ([[[0, 0, 4, 2]]], r"got \[0, 0, 4, 2\]"),
        ([[[1, 1, 1, 2]]], r"got \[1, 1, 1, 2\]"),
        ([[[2, 1, 1, 2]]], r"got \[2, 1, 1, 2\]"),
    ],
)
def test_boxes_that_are_none_are_named(boxes, message):
    with pytest.raises(ValueError, match=message):
        regions_of(torch.tensor(boxes), (3, 5))
    with pytest.raises(ValueError, match="a box at least"):
        regions_of(torch.zeros(1, 0, 4, dtype=torch.int64), (3, 5))


# Padding. --------------------------------------------------------------------------


def areas(seed, images, size):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(images, 1, *size, generator=generator) > 0.4


def test_padding_is_left_out_of_regions():
    torch.manual_seed(0)
    size = (9, 11)
    regions = regions_of(random_boxes(size).flatten(0, 1)[None].expand(2, -1, 4), size)
    area = areas(0, 2, size)
    # One of the second image's has nothing left.
    y0, x0, y1, x1 = regions.boxes[-1].tolist()
    area[1, :, y0:y1, x0:x1] = False
    found = within(regions, area)
    expected = [p for p in regions.position.tolist() if area.flatten()[p]]
    assert found.position.tolist() == expected
    assert found.counts[-1] == 0
    assert found.counts.tolist() == [
        (found.region == r).sum().item() for r in range(len(regions.counts))
    ]
    places = [torch.arange(count) for count in found.counts.tolist()]
    assert torch.equal(found.place, torch.cat(places))
    assert torch.equal(found.boxes, regions.boxes)


def test_without_padding_regions_stay_as_they_are():
    regions = whole_maps(torch.zeros(2, 1, 3, 4))
    assert within(regions, None) is regions
    everything = torch.ones(2, 1, 3, 4, dtype=torch.bool)
    for a, b in zip(within(regions, everything), regions, strict=True):
        assert torch.equal(torch.as_tensor(a), torch.as_tensor(b))
