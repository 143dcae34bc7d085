import itertools

import pytest
import torch

from texture_kd.functional import trimap


def in_loops(label, width):
    height, length = label.shape
    band = torch.zeros(height, length, dtype=torch.bool)
    for i in range(height):
        for j in range(length):
            rows = slice(max(i - width, 0), i + width + 1)
            columns = slice(max(j - width, 0), j + width + 1)
            band[i, j] = (label[rows, columns] != label[i, j]).any()
    return band


@pytest.mark.parametrize("width", [1, 2, 5, 20])
@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.int32])
def test_is_the_definition(width, dtype):
    torch.manual_seed(width)
    coarse = torch.randint(0, 3, (2, 1, 4, 3)).repeat_interleave(5, 2)
    label = coarse.repeat_interleave(6, 3).to(dtype)
    label[:, :, :2] = 255
    band = trimap(label, width)
    assert band.shape == label.shape
    for actual, each in zip(band, label, strict=True):
        assert torch.equal(actual[0], in_loops(each[0], width))


def test_bands_grow_and_one_label_has_none():
    label = torch.zeros(20, 30, dtype=torch.long)
    assert not trimap(label, 3).any()
    label[8:, 11:] = 5
    bands = [trimap(label, width) for width in (1, 3, 5)]
    assert all((narrow <= wide).all() for narrow, wide in itertools.pairwise(bands))
    # One pixel on each side of an edge of 12 + 19 pixels, and the corner's diagonal.
    assert bands[0].sum() == (12 + 19 - 1) + (12 + 19 + 1)


@pytest.mark.parametrize(
    ("label", "width", "message"),
    [
        (torch.zeros(3, 3).long(), 0, "a width of at least one"),
        (torch.zeros(3, 3), 1, "integer labels"),
    ],
)
def test_what_has_no_band(label, width, message):
    with pytest.raises(ValueError, match=message):
        trimap(label, width)
