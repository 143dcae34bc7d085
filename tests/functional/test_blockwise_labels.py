"""Labels of a coarse grid, against the definition pixel by pixel."""

import pytest
import torch

from texture_kd.functional import blockwise_labels, low_pass

SIZES = [(9, 9), (8, 5), (1, 7), (1, 1), (6, 12)]
MODES = ["nearest", "majority", "bandlimit"]


def labels(size, images=2):
    label = torch.randint(4, (images, *size))
    label[torch.rand(label.shape) < 0.3] = 255
    return label


def rounded(a, b):
    return (2 * a + b) // (2 * b)


def cell(t, n, limit):
    count = min(2 * limit + 1, n)
    return 0 if count == 1 else rounded(t * (count - 1), n - 1)


def sample(m, n, limit):
    count = min(2 * limit + 1, n)
    return (n - 1) // 2 if count == 1 else rounded(m * (n - 1), count - 1)


def reference(label, limit, mode):
    height, width = label.shape
    out = torch.empty_like(label)
    cells = {}
    for y in range(height):
        for x in range(width):
            key = cell(y, height, limit), cell(x, width, limit)
            cells.setdefault(key, []).append(int(label[y, x]))
    for y in range(height):
        for x in range(width):
            key = cell(y, height, limit), cell(x, width, limit)
            if mode == "nearest":
                out[y, x] = label[
                    sample(key[0], height, limit), sample(key[1], width, limit)
                ]
            else:
                votes = sorted(v for v in cells[key] if v != 255)
                out[y, x] = max(votes, key=votes.count, default=255)
    return out


@pytest.mark.parametrize("mode", ["nearest", "majority"])
@pytest.mark.parametrize("size", SIZES)
def test_is_the_definition(size, mode):
    label = labels(size)
    for limit in range(max(size) // 2 + 1):
        expected = torch.stack([reference(x, limit, mode) for x in label])
        assert torch.equal(blockwise_labels(label, limit, mode), expected)


@pytest.mark.parametrize("size", SIZES)
def test_bandlimit_is_the_largest_of_low_passed_masks(size):
    label = labels(size)
    for limit in range(max(size) // 2 + 1):
        ids = torch.tensor([0, 1, 2, 3, 255])
        masks = torch.stack([label == i for i in ids], 1).double()
        shares = low_pass(masks, limit)
        # Random labels have ties, which rounding would break.
        largest = shares >= shares.amax(1, keepdim=True) - 1e-9
        expected = ids[largest.byte().argmax(1)]
        assert torch.equal(blockwise_labels(label, limit, "bandlimit"), expected)


def test_of_equally_large_masks_the_lowest_label_wins():
    generator = torch.Generator().manual_seed(0)
    label = torch.tensor([2, 1, 255]).repeat(55)
    for _ in range(50):
        mixed = label[torch.randperm(len(label), generator=generator)].view(1, 11, 15)
        whole = blockwise_labels(mixed, 0, "bandlimit")
        assert torch.equal(whole, torch.ones_like(mixed))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
def test_the_full_band_is_the_identity(size, mode):
    label = labels(size)
    assert torch.equal(blockwise_labels(label, max(size) // 2, mode), label)


@pytest.mark.parametrize("mode", ["nearest", "majority"])
def test_twice_is_once(mode):
    label = labels((12, 9))
    for limit in range(7):
        once = blockwise_labels(label, limit, mode)
        assert torch.equal(blockwise_labels(once, limit, mode), once)


@pytest.mark.parametrize("mode", MODES)
def test_a_constant_stays_one(mode):
    for value in (0, 3, 255):
        label = torch.full((1, 8, 5), value)
        assert torch.equal(blockwise_labels(label, 1, mode), label)


@pytest.mark.parametrize("mode", MODES)
def test_images_are_apart_and_one_may_come_alone(mode):
    label = labels((9, 8))
    both = blockwise_labels(label, 2, mode)
    for i in range(2):
        assert torch.equal(blockwise_labels(label[i], 2, mode), both[i])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_the_dtype_stays(dtype, mode):
    label = labels((9, 8)).to(dtype)
    result = blockwise_labels(label, 2, mode)
    assert result.dtype == dtype
    assert torch.equal(result.long(), blockwise_labels(label.long(), 2, mode))


@pytest.mark.parametrize("mode", MODES)
def test_any_ignore_index(mode):
    label = labels((9, 8))
    label[label == 255] = -100
    other = blockwise_labels(label, 2, mode, ignore_index=-100)
    expected = blockwise_labels(label.masked_fill(label == -100, 255), 2, mode)
    if mode != "bandlimit":  # its ties go to the lowest
        assert torch.equal(other.masked_fill(other == -100, 255), expected)
    assert set(other.unique().tolist()) <= {-100, 0, 1, 2, 3}


def test_no_pixels():
    assert blockwise_labels(torch.zeros(0, 4, 4, dtype=torch.long), 1).shape == (
        0,
        4,
        4,
    )


def test_what_does_not_fit_is_named():
    label = labels((9, 8))
    with pytest.raises(ValueError, match="expected mode among"):
        blockwise_labels(label, 1, "mean")
    with pytest.raises(ValueError, match="limit of at least 0, got -1"):
        blockwise_labels(label, -1)
    with pytest.raises(ValueError, match="expected integer labels"):
        blockwise_labels(label.float(), 1)
    with pytest.raises(ValueError, match="below 0 are not classes, got -2"):
        blockwise_labels(label - 2, 1)
