from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from texture_kd.datasets import AerialDataset

LOAD = [dict(type="LoadImageFromFile"), dict(type="LoadAnnotations")]


def build(root: Path, **changes) -> AerialDataset:
    prefix = dict(img_path="images/train", seg_map_path="labels/train")
    return AerialDataset(
        **(dict(data_root=str(root), data_prefix=prefix, pipeline=LOAD) | changes)
    )


def test_labels_are_as_they_are_stored(aerial_tree):
    dataset = build(aerial_tree)
    assert dataset.metainfo["classes"] == (
        "land",
        "water",
        "building",
        "vegetation",
        "road",
    )
    assert len(dataset) == 2
    for item in dataset:
        stored = np.array(Image.open(item["seg_map_path"]))
        np.testing.assert_array_equal(item["gt_seg_map"], stored)
        assert set(np.unique(stored)) == {0, 1, 2, 3, 4, 255}


def test_a_subset_of_classes_ignores_the_rest(aerial_tree):
    dataset = build(aerial_tree, metainfo=dict(classes=("road", "land")))
    stored = np.array(Image.open(dataset[0]["seg_map_path"]))
    table = np.full(256, 255)
    table[[4, 0]] = 0, 1
    np.testing.assert_array_equal(dataset[0]["gt_seg_map"], table[stored])


def test_a_missing_folder_names_itself_and_the_converter(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"images/train.*converters/aerial\.py"):
        build(tmp_path)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (np.full((4, 4), 5, np.uint8), r"0\.\.4 and 255 for void, but holds \[5\]"),
        (np.zeros((4, 4, 3), np.uint8), r"picture of shape \(4, 4, 3\)"),
    ],
)
def test_masks_as_published_are_refused_before_training(aerial_tree, label, message):
    Image.fromarray(label).save(aerial_tree / "labels" / "train" / "train_0.png")
    with pytest.raises(ValueError, match=message):
        build(aerial_tree)
