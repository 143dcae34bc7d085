import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mmengine.structures import PixelData
from mmseg.registry import TRANSFORMS
from mmseg.structures import SegDataSample
from scipy import ndimage

import texture_kd.components  # noqa: F401
from texture_kd.datasets import LabelComponents, label_components


def slow(label, ignore_index, background, min_pixels):
    """Fill from pixel to pixel."""
    found = set()
    seen = np.zeros(label.shape, bool)
    for start in np.ndindex(label.shape):
        if seen[start]:
            continue
        value, stack, pixels = label[start], [start], []
        seen[start] = True
        while stack:
            y, x = stack.pop()
            pixels.append((y, x))
            for near in np.ndindex(3, 3):
                at = (y + near[0] - 1, x + near[1] - 1)
                inside = 0 <= at[0] < label.shape[0] and 0 <= at[1] < label.shape[1]
                if inside and not seen[at] and label[at] == value:
                    seen[at] = True
                    stack.append(at)
        if value not in (ignore_index, background) and len(pixels) >= min_pixels:
            found.add(frozenset(pixels))
    return found


def as_sets(ids):
    return {
        frozenset(zip(*(axis.tolist() for axis in np.nonzero(ids == k)), strict=True))
        for k in np.unique(ids[ids >= 0])
    }


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(
        np.uint8, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.integers(0, 3)
    ),
    st.sampled_from([None, 1]),
    st.integers(1, 3),
)
def test_equals_a_flood_fill(label, background, min_pixels):
    ids = label_components(label, 3, background, min_pixels)
    assert ids.dtype == np.int32
    assert as_sets(ids) == slow(label, 3, background, min_pixels)
    numbers = np.unique(ids[ids >= 0])
    assert numbers.tolist() == list(range(len(numbers)))


def test_agrees_with_scipy_on_thousands():
    label = np.random.default_rng(0).integers(0, 5, (200, 300))
    ids = label_components(label, ignore_index=4)
    total = sum(ndimage.label(label == k, np.ones((3, 3)))[1] for k in range(4))
    assert total > 1000
    assert len(np.unique(ids)) == total + 1


def test_nothing_but_ignored_pixels():
    label = np.full((4, 5), 255, np.uint8)
    assert (label_components(label) == -1).all()


@pytest.mark.parametrize("label", [np.zeros((2, 3, 4), int), np.zeros((3, 4))])
def test_other_labels_are_refused(label):
    with pytest.raises(ValueError, match="expected integer labels"):
        label_components(label)


def test_it_stands_behind_the_packing():
    label = torch.tensor([[[0, 0, 1], [255, 1, 1]]])
    sample = SegDataSample(gt_sem_seg=PixelData(data=label))
    transform = TRANSFORMS.build(dict(type="LabelComponents", background=1))
    assert isinstance(transform, LabelComponents)
    results = transform(dict(inputs=torch.zeros(3, 2, 3), data_samples=sample))
    components = results["data_samples"].gt_components
    assert components.data.tolist() == [[[0, 0, -1], [-1, -1, -1]]]
    assert components.data.dtype == torch.int32
    assert repr(transform) == (
        "LabelComponents(ignore_index=255, background=1, min_pixels=1)"
    )


@pytest.mark.parametrize(
    "results", [{}, dict(gt_seg_map=0), dict(data_samples=SegDataSample())]
)
def test_before_the_packing_it_is_refused(results):
    with pytest.raises(KeyError, match="behind PackSegInputs"):
        LabelComponents()(results)


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match=r"min_pixels .*got 0"):
        LabelComponents(min_pixels=0)
