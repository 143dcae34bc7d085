import math

import pytest
import torch

from texture_kd.functional import box_shares, component_boxes, component_shares


def slow_component_shares(ids, size, gamma):
    """Follow the definition, cell by cell."""
    shares = torch.zeros(len(ids), *size, dtype=torch.float64)
    height, width = ids.shape[1:]
    for image, labels in enumerate(ids):
        cover = {}
        for i in range(size[0]):
            top, bottom = i * height // size[0], math.ceil((i + 1) * height / size[0])
            for j in range(size[1]):
                left, right = j * width // size[1], math.ceil((j + 1) * width / size[1])
                for k in set(labels[top:bottom, left:right].flatten().tolist()):
                    if k >= 0:
                        cover.setdefault(k, []).append((i, j))
        for cells in cover.values():
            for cell in cells:
                shares[(image, *cell)] += gamma / len(cells)
    return shares


def slow_box_shares(boxes, image_index, images, size, image_size, gamma):
    """Follow the definition, box by box."""
    shares = torch.zeros(images, *size, dtype=torch.float64)
    for box, image in zip(boxes.tolist(), image_index.tolist(), strict=True):
        sides = []
        for start, end, cells, pixels in zip(
            box[1::-1], box[:1:-1], size, image_size, strict=True
        ):
            start, end = (min(max(side, 0), pixels) for side in (start, end))
            first, last = start * cells / pixels, end * cells / pixels
            sides.append(
                (math.floor(first), min(cells - 1, math.ceil(last)), end > start)
            )
        (top, bottom, high), (left, right, wide) = sides
        if high and wide:
            area = (bottom - top + 1) * (right - left + 1)
            shares[image, top : bottom + 1, left : right + 1] += gamma / area
    return shares


def close(actual, expected):
    assert actual.dtype == torch.float32
    torch.testing.assert_close(actual, expected.float(), rtol=2e-7, atol=1e-15)


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("size", [(4, 5), (3, 7), (1, 1), (16, 20), (23, 31), (5, 3)])
def test_components_equal_the_definition(size, images):
    ids = torch.randint(-2, 6, (images, 16, 20))
    ids[0, :8] = 5
    close(component_shares(ids, size, 0.7), slow_component_shares(ids, size, 0.7))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_ids_of_any_integers(dtype):
    ids = torch.randint(0, 6, (2, 8, 9))
    close(component_shares(ids.to(dtype), (4, 3)), component_shares(ids, (4, 3)))


@pytest.mark.parametrize("gamma", [1.0, 0.3, 20.0])
@pytest.mark.parametrize("size", [(64, 64), (30, 50)])
def test_each_of_thousands_of_components_adds_gamma(size, gamma):
    ids = torch.arange(4096).reshape(1, 64, 64)
    ids = ids.repeat_interleave(2, 1).repeat_interleave(2, 2).repeat(2, 1, 1)
    ids[1, :64] = 0
    components = [len(image.unique()) for image in ids]
    assert components == [4096, 2049]
    mass = component_shares(ids, size, gamma).double().sum((1, 2))
    expected = gamma * torch.tensor(components).double()
    torch.testing.assert_close(mass, expected, rtol=1e-7, atol=0)


def test_a_component_of_the_whole_image_adds_as_much_as_one_of_a_cell():
    # Of one plus the share of 127x127 cells float32 keeps three digits.
    ids = torch.zeros(1, 254, 254, dtype=torch.int32)
    whole = component_shares(ids, (127, 127)).double()
    torch.testing.assert_close(whole.sum().item(), 1.0, rtol=1e-7, atol=0)
    ids[:] = -1
    ids[0, 3, 253] = 7
    one = component_shares(ids, (127, 127))
    assert one[0, 1, 126] == 1
    assert one.sum() == 1


def test_where_nothing_counts_nothing_is_shared():
    ids = torch.full((2, 8, 8), -1)
    assert torch.equal(component_shares(ids, (4, 4)), torch.zeros(2, 4, 4))
    boxes, index = component_boxes(ids)
    assert boxes.shape == (0, 4)
    assert torch.equal(
        box_shares(boxes, index, 2, (4, 4), (8, 8)), torch.zeros(2, 4, 4)
    )


def test_numbers_of_components_may_be_large_and_sparse():
    ids = torch.randint(0, 4, (2, 8, 8))
    close(component_shares(ids * 500_000_000, (4, 4)), component_shares(ids, (4, 4)))


def test_images_have_components_of_their_own():
    ids = torch.randint(-1, 3, (3, 9, 7))
    for i in range(3):
        alone = component_shares(ids[i : i + 1], (4, 3))
        assert torch.equal(component_shares(ids, (4, 3))[i : i + 1], alone)


@pytest.mark.parametrize("size", [(8, 8), (5, 9), (1, 1), (40, 40)])
def test_boxes_equal_the_definition(size):
    torch.manual_seed(0)
    boxes = 60 * torch.rand(200, 4) - 10
    index = torch.randint(3, (200,))
    found = box_shares(boxes, index, 3, size, (32, 48), 0.7)
    close(found, slow_box_shares(boxes, index, 3, size, (32, 48), 0.7))


def test_each_of_thousands_of_boxes_adds_gamma():
    torch.manual_seed(0)
    start = 500 * torch.rand(5000, 2)
    boxes = torch.cat([start, start + 1 + 200 * torch.rand(5000, 2)], 1)
    index = torch.randint(2, (5000,))
    shares = box_shares(boxes, index, 2, (64, 64), (512, 512), gamma=2.0)
    mass = shares.double().sum((1, 2))
    torch.testing.assert_close(mass, 2.0 * index.bincount().double(), rtol=1e-7, atol=0)


def test_boxes_without_area_in_the_image_add_nothing():
    nan = float("nan")
    boxes = [
        [0, 0, 0, 0],
        [5, 5, 5, 9],
        [9, 9, 5, 5],
        [32, 3, 32, 9],
        [32, 32, 40, 40],
        [-9, -9, 0, 0],
        [nan, 0, 8, 8],
        [0, nan, 8, nan],
    ]
    boxes = torch.tensor(boxes, dtype=torch.float32)
    shares = box_shares(boxes, torch.zeros(8, dtype=int), 1, (4, 4), (32, 32))
    assert torch.equal(shares, torch.zeros(1, 4, 4))


def test_a_box_at_the_far_edge_stays_in_the_grid():
    boxes = torch.tensor([[31.5, 31.5, 90.0, 90.0]])
    shares = box_shares(boxes, torch.tensor([0]), 1, (4, 4), (32, 32))
    assert shares[0, 3, 3] == 1
    assert shares.sum() == 1


def test_the_box_of_everything_reaches_every_cell():
    boxes = torch.tensor([[-5.0, -5.0, 90.0, float("inf")]])
    shares = box_shares(boxes, torch.tensor([0]), 1, (3, 7), (32, 32))
    torch.testing.assert_close(shares, torch.full((1, 3, 7), 1 / 21))


def test_half_precision_boxes_keep_small_shares():
    # Below the normal numbers of float16.
    boxes = torch.tensor([[0.0, 0.0, 64.0, 64.0]]).half()
    shares = box_shares(boxes, torch.tensor([0]), 1, (256, 256), (64, 64))
    torch.testing.assert_close(shares, torch.full((1, 256, 256), 2.0**-16))


@pytest.mark.parametrize("images", [1, 3])
def test_boxes_of_components(images):
    ids = torch.randint(-1, 5, (images, 6, 8))
    ids[:, :, 6:] = -1
    found = {
        (int(image), *box.tolist())
        for box, image in zip(*component_boxes(ids), strict=True)
    }
    expected = set()
    for image, labels in enumerate(ids):
        for k in range(5):
            y, x = torch.where(labels == k)
            if len(y):
                corners = (x.min(), y.min(), x.max() + 1, y.max() + 1)
                expected.add((image, *(int(c) for c in corners)))
    assert found == expected


IDS = torch.zeros(1, 4, 4, dtype=int)
BOXES = torch.zeros(2, 4)
INDEX = torch.zeros(2, dtype=int)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: component_shares(IDS.float(), (2, 2)), "integers.*torch.float32"),
        (lambda: component_shares(IDS > 0, (2, 2)), "torch.bool"),
        (lambda: component_shares(IDS[0], (2, 2)), r"\(4, 4\)"),
        (lambda: component_shares(IDS, (2, 0)), r"grid .*\(2, 0\)"),
        (lambda: component_shares(IDS, (2, 2), -1), "gamma .*got -1"),
        (lambda: component_shares(IDS, (2, 2), float("nan")), "gamma"),
        (lambda: component_boxes(IDS.float()), "integers"),
        (lambda: box_shares(BOXES[0], INDEX, 1, (2, 2), (4, 4)), r"\(K, 4\)"),
        (lambda: box_shares(BOXES, INDEX[:1], 1, (2, 2), (4, 4)), r"\(1,\)"),
        (lambda: box_shares(BOXES, INDEX, 0, (2, 2), (4, 4)), "at least one image"),
        (lambda: box_shares(BOXES, INDEX + 1, 1, (2, 2), (4, 4)), "0 to 0, got 1 to 1"),
        (lambda: box_shares(BOXES, INDEX - 1, 1, (2, 2), (4, 4)), "got -1 to -1"),
        (lambda: box_shares(BOXES, INDEX, 1, (2, 2), (4, 0)), r"\(4, 0\)"),
        (lambda: box_shares(BOXES, INDEX, 1, (0, 2), (4, 4)), "grid"),
    ],
)
def test_wrong_inputs_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
