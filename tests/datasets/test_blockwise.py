"""The transform coarsens each annotation of a sample."""

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose

import texture_kd.components  # noqa: F401
from texture_kd.functional import blockwise_labels


def loaded():
    rng = np.random.default_rng(0)
    return dict(
        seg_fields=["gt_seg_map", "gt_edge_map"],
        gt_seg_map=rng.integers(5, size=(12, 9)).astype(np.uint8),
        gt_edge_map=rng.integers(2, size=(12, 9)).astype(np.int64),
        img=np.zeros((12, 9, 3)),
    )


def transform(**options):
    return Compose([dict(type="texture_kd.BlockwiseAnnotation", **options)])


@pytest.mark.parametrize("mode", ["nearest", "majority", "bandlimit"])
def test_it_is_blockwise_labels(mode):
    before = loaded()
    after = transform(limit=2, mode=mode)(loaded())
    for key in before["seg_fields"]:
        expected = blockwise_labels(torch.from_numpy(before[key]), 2, mode).numpy()
        assert after[key].dtype == before[key].dtype
        np.testing.assert_array_equal(after[key], expected)
        assert not np.array_equal(after[key], before[key])
    np.testing.assert_array_equal(after["img"], before["img"])


def test_a_flipped_view_will_do():
    results = loaded()
    results["gt_seg_map"] = results["gt_seg_map"][:, ::-1]
    expected = blockwise_labels(torch.tensor(results["gt_seg_map"].copy()), 2)
    after = transform(limit=2)(results)
    np.testing.assert_array_equal(after["gt_seg_map"], expected.numpy())


def test_the_ignore_index_is_passed_on():
    results = loaded()
    results["gt_seg_map"][:] = 7
    results["gt_seg_map"][0, 0] = 3
    kept = transform(limit=0, mode="majority", ignore_index=7)(results)
    assert (kept["gt_seg_map"] == 3).all()


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="limit of at least 0"):
        transform(limit=-1)
    with pytest.raises(ValueError, match="expected mode among"):
        transform(limit=1, mode="mean")
    with pytest.raises(KeyError, match="after LoadAnnotations"):
        transform(limit=1)(dict(seg_fields=[]))
    assert "limit=1, mode='nearest'" in repr(transform(limit=1))
