import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from texture_kd.functional import labels_on_grid

SIZES = st.tuples(st.integers(1, 30), st.integers(1, 30))


@settings(max_examples=50, deadline=None)
@given(SIZES, SIZES)
def test_labels_are_those_nearest_to_the_centres_of_the_cells(size, grid):
    # Labels that name their pixels.
    gt = torch.arange(2 * math.prod(size)).reshape(2, *size)
    for image, labels in enumerate(labels_on_grid(gt, 2, grid).tolist()):
        for row, line in enumerate(labels):
            for column, label in enumerate(line):
                found_image, pixel = divmod(label, math.prod(size))
                assert found_image == image
                found = divmod(pixel, size[1])
                for place, n, new, old in zip(
                    found, (row, column), grid, size, strict=True
                ):
                    centre = (n + 0.5) * old / new
                    # The two at either side of an edge are equally near.
                    assert abs(place + 0.5 - centre) <= 0.5 + 1e-5


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_labels_keep_their_dtype_and_values(dtype):
    highest = min(torch.iinfo(dtype).max, 2**24)
    gt = torch.tensor([[[0, highest], [highest - 1, 1]]], dtype=dtype)
    labels = labels_on_grid(gt, 1, (2, 2))
    assert labels.dtype == dtype
    assert torch.equal(labels, gt)
    assert torch.equal(labels_on_grid(gt[:, None], 1, (4, 6))[:, ::2, ::3], gt)


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"N = 2, got shape \(1, 1, 4, 4\)"):
        labels_on_grid(torch.zeros(1, 4, 4, dtype=torch.long), 2, (2, 2))
    with pytest.raises(ValueError, match=r"integer labels, got torch.float32"):
        labels_on_grid(torch.zeros(1, 4, 4), 1, (2, 2))
