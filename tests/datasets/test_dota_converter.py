import ast
import itertools
import json
import runpy
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "dataset_converters" / "dota.py"
CONFIG = ROOT / "configs" / "_base_" / "datasets" / "dota_1024x1024.py"


@pytest.fixture(scope="module")
def tool():
    with pytest.MonkeyPatch.context() as patch:
        # As for a command, which imports what stands beside it.
        patch.syspath_prepend(TOOL.parent)
        yield runpy.run_path(str(TOOL))


@pytest.fixture
def dota(tmp_path):
    """A release with an image of 100x90 and one of 40x30 in each split."""
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for kind in ("images", "labelTxt"):
            (tmp_path / "DOTA" / split / kind).mkdir(parents=True)
        for name, size, lines in (
            (
                "P0",
                (90, 100),
                ["5 5 15 5 15 12 5 12 plane 0", "60 40 70 50 60 60 50 50 ship 1"],
            ),
            ("P1", (30, 40), []),
        ):
            pixels = rng.integers(256, size=(*size, 3), dtype=np.uint8)
            cv2.imwrite(
                str(tmp_path / "DOTA" / split / "images" / f"{name}.png"), pixels
            )
            head = ["imagesource:GoogleEarth", "gsd:0.15"]
            path = tmp_path / "DOTA" / split / "labelTxt" / f"{name}.txt"
            path.write_text("\n".join([*head, *lines]) + "\n")
    return tmp_path / "DOTA"


def read(folder):
    return json.loads((folder / "train" / "train.json").read_text())


def test_patches_cover_the_image_and_overlap(tool):
    starts = tool["starts"]
    assert starts(64, 64, 16) == [0]
    assert starts(30, 64, 16) == [0]
    assert starts(65, 64, 16) == [0, 1]
    assert starts(160, 64, 16) == [0, 48, 96]
    for length in range(1, 400):
        found = starts(length, 64, 16)
        assert found[-1] == max(length - 64, 0)
        assert all(0 < b - a <= 48 for a, b in itertools.pairwise(found))


def test_boxes_are_clipped_and_those_mostly_outside_left(tool):
    boxes = np.array(
        [[0, 0, 10, 10], [-3, 0, 7, 10], [-4, 0, 6, 10], [70, 70, 80, 80.0]]
    )
    found, seen = tool["boxes_in_patch"](boxes + 20, (20, 20), 64)
    assert seen.tolist() == [True, True, False, False]
    assert found.tolist() == [[0, 0, 10, 10], [0, 0, 7, 10]]
    found, seen = tool["boxes_in_patch"](np.zeros((0, 4)), (0, 0), 64)
    assert len(found) == len(seen) == 0
    assert not tool["boxes_in_patch"](np.array([[3.0, 3, 3, 9]]), (0, 0), 64)[1].any()


def test_it_writes_patches_and_their_boxes(tool, dota, tmp_path):
    out = tmp_path / "out"
    assert tool["convert"](dota, out, 64, 16) == dict(train=5, val=5)
    content = read(out)
    names = {image["id"]: image["file_name"] for image in content["images"]}
    assert sorted(names.values()) == sorted(
        [f"P0__{x}__{y}.png" for x in (0, 36) for y in (0, 26)] + ["P1__0__0.png"]
    )
    found = {
        (names[a["image_id"]], a["category_id"], *a["bbox"])
        for a in content["annotations"]
    }
    assert ("P0__0__0.png", 0, 5, 5, 10, 7) in found
    assert ("P0__36__0.png", 6, 14, 40, 20, 20) in found
    assert ("P0__36__26.png", 6, 14, 14, 20, 20) in found
    # 14 of 20 columns are 0.7 of the box.
    assert ("P0__0__26.png", 6, 50, 14, 14, 20) in found
    ids = [annotation["id"] for annotation in content["annotations"]]
    # To COCO's evaluation an object of number 0 is never found.
    assert ids == list(range(1, len(ids) + 1))
    assert [c["name"] for c in content["categories"]] == list(tool["CLASSES"])
    original = cv2.imread(str(dota / "train" / "images" / "P0.png"))
    patch = cv2.imread(str(out / "train" / "images" / "P0__36__26.png"))
    assert np.array_equal(patch, original[26:90, 36:100])
    small = cv2.imread(str(out / "train" / "images" / "P1__0__0.png"))
    assert small.shape == (64, 64, 3)
    assert not small[30:].any()


def test_its_classes_are_those_of_the_config(tool):
    tree = ast.parse(CONFIG.read_text())
    (classes,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "classes"
    )
    assert ast.literal_eval(classes) == tool["CLASSES"]


def test_the_command_and_a_second_run(dota, tmp_path):
    command = [sys.executable, TOOL, dota, "--out-dir", tmp_path / "out"]
    for printed in ("train 2, val 2", "nothing left to do"):
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        assert printed in result.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: (d / "val" / "labelTxt" / "P1.txt").unlink(), "P1.txt"),
        (lambda d: (d / "val" / "images").rename(d / "x"), "holds no PNG files"),
        (lambda d: (d / "val" / "images" / "P1.png").write_bytes(b"x"), "is no image"),
        (
            lambda d: (d / "val" / "labelTxt" / "P1.txt").write_text("1 2 3 boat"),
            "boat",
        ),
        (
            lambda d: (d / "val" / "labelTxt" / "P1.txt").write_text(
                "1 2 3 4 5 6 7 8 boat 0"
            ),
            "one of plane",
        ),
    ],
)
def test_what_is_wrong_is_named(tool, dota, tmp_path, change, message):
    change(dota)
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        tool["convert"](dota, tmp_path / "out", 64, 16)
