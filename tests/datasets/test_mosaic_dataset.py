import pickle

import numpy as np
import pytest
import torch

from texture_kd.datasets import (
    LoadTextureMosaic,
    TextureMosaicDataset,
    texture_mosaic,
)
from texture_kd.datasets.textures import TEXTURES

LOAD = dict(type=LoadTextureMosaic, size=[64, 80], regions=[3, 5], noise=4.0)


def build(pipeline: list[dict], **changes) -> TextureMosaicDataset:
    return TextureMosaicDataset(
        **(dict(split="val", length=3, pipeline=pipeline) | changes)
    )


def test_names_and_palette():
    meta = TextureMosaicDataset.METAINFO
    assert meta["classes"] == tuple(TEXTURES)
    assert len({tuple(colour) for colour in meta["palette"]}) == len(TEXTURES)


def test_items_are_the_generators_mosaics():
    dataset = build([LOAD], seed=5)
    assert len(dataset) == 3
    for index, item in enumerate(dataset):
        wanted = texture_mosaic(5, index, "val", (64, 80), (3, 5), 4.0)
        np.testing.assert_array_equal(item["img"], wanted.image)
        np.testing.assert_array_equal(item["gt_seg_map"], wanted.label)


def test_names_of_images_are_unique():
    names = {
        item["img_path"]
        for split in ("train", "val")
        for seed in (0, 1)
        for item in build([], split=split, seed=seed)
    }
    assert len(names) == 12


def test_stock_transforms_follow():
    crop = dict(type="RandomCrop", crop_size=(48, 32))
    item = build([LOAD, crop, dict(type="PackSegInputs")])[0]
    sample = item["data_samples"]
    assert item["inputs"].dtype == torch.uint8
    assert item["inputs"].shape == (3, 48, 32)
    assert sample.gt_sem_seg.data.shape == (1, 48, 32)
    assert sample.ori_shape == (64, 80)
    assert sample.img_shape == (48, 32)
    assert sample.img_path.endswith("val/seed0_000000.png")


def test_image_and_label_stay_aligned():
    flip = dict(type="RandomFlip", prob=1.0, direction="vertical")
    plain, flipped = (build([LOAD, *more])[0] for more in ([], [flip]))
    for key in ("img", "gt_seg_map"):
        np.testing.assert_array_equal(flipped[key], plain[key][::-1])


def test_a_subset_of_classes_in_another_order():
    chosen = ("sparse", "fine_0deg", "uniform")
    old = [list(TEXTURES).index(name) for name in chosen]
    everything = build([LOAD], length=20)
    dataset = build([LOAD], length=20, metainfo=dict(classes=chosen))
    assert dataset.metainfo["palette"] == [
        TextureMosaicDataset.METAINFO["palette"][i] for i in old
    ]
    for before, after in zip(everything, dataset, strict=True):
        wanted = np.full_like(before["gt_seg_map"], 255)
        for new, label in enumerate(old):
            wanted[before["gt_seg_map"] == label] = new
        np.testing.assert_array_equal(after["gt_seg_map"], wanted)


def test_survives_the_trip_to_a_worker():
    dataset = build([LOAD])
    copy = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(copy[1]["img"], dataset[1]["img"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(split="training"), "split must be one of .* got 'training'"),
        (dict(length=0), "length must be at least 1, got 0"),
        (dict(seed=-3), "seed=-3"),
    ],
)
def test_bad_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        build([LOAD], **change)


def test_bad_knobs_are_named_at_construction():
    with pytest.raises(ValueError, match=r"got \(16, 64\)"):
        LoadTextureMosaic(size=(16, 64))


def test_repr_names_the_knobs():
    assert repr(LoadTextureMosaic()) == (
        "LoadTextureMosaic(size=(128, 128), regions=(6, 16), noise=6.0)"
    )
