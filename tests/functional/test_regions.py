import math
from fractions import Fraction

import pytest
import torch
from dtiem_reference import half_up
from hypothesis import example, given, settings
from hypothesis import strategies as st

from texture_kd.functional import (
    Regions,
    anchor_boxes,
    crop_regions,
    group_regions,
    sample_regions,
    scale_boxes,
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


@pytest.mark.parametrize("channels_last", [False, True])
def test_regions_are_cut_like_slices(channels_last):
    torch.manual_seed(0)
    x = torch.randn(3, 4, 9, 11)
    if channels_last:
        x = x.to(memory_format=torch.channels_last)
    x.requires_grad_()
    boxes = [[0, 0, 3, 5], [6, 6, 9, 11], [2, 1, 5, 6], [2, 2, 5, 7], [0, 1, 4, 9]]
    images = [2, 0, 2, 2, 1]
    groups = [
        Regions(torch.tensor(images[part]), torch.tensor(boxes[part]), size)
        for part, size in ((slice(4), (3, 5)), (slice(4, 5), (4, 8)))
    ]
    regions = crop_regions(x, groups)
    assert [tuple(part.shape) for part in regions] == [(4, 4, 3, 5), (1, 4, 4, 8)]
    regions = torch.cat([part.flatten() for part in regions])
    sliced = [
        x[i, :, y0:y1, x0:x1].flatten()
        for i, (y0, x0, y1, x1) in zip(images, boxes, strict=True)
    ]
    sliced = torch.cat(sliced)
    assert torch.equal(regions, sliced)
    weights = torch.randn_like(sliced)
    # Where regions overlap the gradients are added.
    torch.testing.assert_close(
        torch.autograd.grad(regions, x, weights),
        torch.autograd.grad(sliced, x, weights),
    )


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool])
def test_regions_of_labels_are_cut_exactly(dtype):
    labels = torch.randint(0, 200, (2, 1, 6, 7)).to(dtype)
    boxes = torch.tensor([[1, 2, 3, 7], [4, 0, 6, 5]])
    (regions,) = crop_regions(labels, [Regions(torch.tensor([1, 0]), boxes, (2, 5))])
    assert regions.dtype == dtype
    assert torch.equal(regions[0], labels[1, :, 1:3, 2:7])
    assert torch.equal(regions[1], labels[0, :, 4:6, 0:5])


@CASES
@given(SEEDS, SIZES)
def test_groups_part_the_boxes_by_shape(seed, size):
    torch.manual_seed(seed)
    boxes = sample_regions(torch.rand(3, *size))
    groups = group_regions(boxes)
    found = {
        (image, *box)
        for group in groups
        for image, box in zip(group.images.tolist(), group.boxes.tolist(), strict=True)
    }
    assert sum(len(group.images) for group in groups) == 3 * boxes.shape[1]
    assert found == {
        (image, *box) for image in range(3) for box in boxes[image].tolist()
    }
    for group in groups:
        y0, x0, y1, x1 = group.boxes[0].tolist()
        assert group.size == (y1 - y0, x1 - x0)
    shapes = [
        (group.boxes[:, 2:] - group.boxes[:, :2]).unique(dim=0) for group in groups
    ]
    assert all(len(shape) == 1 for shape in shapes)
    assert len(torch.cat(shapes).unique(dim=0)) == len(groups) <= 9
