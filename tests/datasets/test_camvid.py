from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from texture_kd.datasets import CamVidDataset

CLASSES = CamVidDataset.METAINFO["classes"]
LOAD = [dict(type="LoadImageFromFile"), dict(type="LoadAnnotations")]


def build(root: Path, split: str = "train", **changes) -> CamVidDataset:
    prefix = dict(img_path=f"images/{split}", seg_map_path=f"labels/{split}")
    return CamVidDataset(
        **(dict(data_root=str(root), data_prefix=prefix, pipeline=LOAD) | changes)
    )


def raw_label(item: dict) -> np.ndarray:
    return np.array(Image.open(item["seg_map_path"]))


def relabelled(raw: np.ndarray, table: dict[int, int]) -> np.ndarray:
    return np.vectorize(lambda value: table.get(int(value), 255))(raw)


def test_eleven_names_and_colours():
    assert len(CLASSES) == 11
    assert len({tuple(c) for c in CamVidDataset.METAINFO["palette"]}) == 11


def test_void_is_ignored_and_classes_stay(camvid_tree):
    dataset = build(camvid_tree)
    assert len(dataset) == 2
    for item in dataset:
        wanted = relabelled(raw_label(item), {i: i for i in range(11)})
        np.testing.assert_array_equal(item["gt_seg_map"], wanted)
        assert 255 in wanted


def test_void_is_ignored_with_a_subset_of_classes(camvid_tree):
    chosen = ("car", "sky", "bicyclist")
    table = {CLASSES.index(name): new for new, name in enumerate(chosen)}
    dataset = build(camvid_tree, metainfo=dict(classes=chosen))
    for item in dataset:
        wanted = relabelled(raw_label(item), table)
        np.testing.assert_array_equal(item["gt_seg_map"], wanted)
    colours = CamVidDataset.METAINFO["palette"]
    assert dataset.metainfo["palette"] == [colours[old] for old in table]


def test_a_missing_folder_names_itself_and_the_converter(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"images/train.*converters/camvid\.py"):
        build(tmp_path)


def test_a_missing_label_folder(camvid_tree):
    (camvid_tree / "labels" / "train").rename(camvid_tree / "elsewhere")
    with pytest.raises(FileNotFoundError, match=r"labels/train does not exist"):
        build(camvid_tree)


def test_an_empty_folder(camvid_tree):
    for path in (camvid_tree / "images" / "train").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match="holds no files"):
        build(camvid_tree)


def test_a_wrong_suffix_tells_what_is_there(camvid_tree):
    message = r"end in '.jpg', but holds files such as train_0.png: set img_suffix"
    with pytest.raises(FileNotFoundError, match=message):
        build(camvid_tree, img_suffix=".jpg")


def test_an_image_without_a_label(camvid_tree):
    (camvid_tree / "labels" / "train" / "train_1.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 files.*labels/train/train_1\.png"):
        build(camvid_tree)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (np.full((4, 4), 31, np.uint8), r"0\.\.10 and 11 for void.*holds \[31\]"),
        (np.zeros((4, 4, 3), np.uint8), r"picture of shape \(4, 4, 3\)"),
    ],
)
def test_strange_labels_are_refused_before_training(camvid_tree, label, message):
    Image.fromarray(label).save(camvid_tree / "labels" / "train" / "train_0.png")
    with pytest.raises(ValueError, match=message):
        build(camvid_tree)


def test_images_without_labels_can_be_listed(camvid_tree):
    prefix = dict(img_path="images/val")
    dataset = build(camvid_tree, data_prefix=prefix, pipeline=[], test_mode=True)
    assert len(dataset) == 2
    assert "seg_map_path" not in dataset[0]


@pytest.mark.parametrize(("split", "count"), [("train", 367), ("val", 101)])
def test_the_real_images(real_camvid, split, count):
    dataset = build(real_camvid, split, img_suffix=".jpg")
    assert len(dataset) == count
    values = set()
    for index in range(0, count, 20):
        item = dataset[index]
        assert item["img"].shape == (360, 480, 3)
        assert item["gt_seg_map"].shape == (360, 480)
        values |= set(np.unique(item["gt_seg_map"]).tolist())
    assert values == {*range(11), 255}
