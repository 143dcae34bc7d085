"""DIOR as it is released, and DOTA as our tool cuts it, are what the configs read."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.evaluator import Evaluator
from PIL import Image
from small_detection import CONFIGS, need_mmdetection

need_mmdetection()

pytestmark = pytest.mark.usefixtures("mmdets_scope")

TOOL = CONFIGS.parent / "tools" / "dataset_converters" / "dota.py"
BOXES = {"Expressway-Service-area": (11, 21, 61, 91), "ship": (5, 7, 45, 29)}


def picture(path: Path, side: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(256, size=(side, side, 3))
    Image.fromarray(pixels.astype(np.uint8)).save(path)


@pytest.fixture
def dior(tmp_path):
    for number, (split, images) in enumerate(
        (("train", "trainval"), ("val", "trainval"), ("test", "test"))
    ):
        name = f"{number:05d}"
        picture(tmp_path / f"JPEGImages-{images}" / f"{name}.jpg", 128)
        objects = "".join(
            f"<object><name>{kind}</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin>"
            f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
            for kind, (x0, y0, x1, y1) in BOXES.items()
        )
        labels = tmp_path / "Annotations" / "Horizontal Bounding Boxes" / f"{name}.xml"
        labels.parent.mkdir(parents=True, exist_ok=True)
        labels.write_text(
            "<annotation><size><width>128</width><height>128</height></size>"
            f"{objects}</annotation>"
        )
        ids = tmp_path / "ImageSets" / "Main" / f"{split}.txt"
        ids.parent.mkdir(parents=True, exist_ok=True)
        ids.write_text(f"{name}\n")
    return tmp_path


@pytest.fixture
def dota(tmp_path, monkeypatch):
    # As for a command, which imports what stands beside it.
    monkeypatch.syspath_prepend(TOOL.parent)
    for split in ("train", "val"):
        picture(tmp_path / "DOTA" / split / "images" / "P0.png", 128)
        labels = tmp_path / "DOTA" / split / "labelTxt" / "P0.txt"
        labels.parent.mkdir()
        labels.write_text("gsd:0.1\n5 7 45 7 45 29 5 29 ship 0\n")
    runpy.run_path(str(TOOL))["convert"](tmp_path / "DOTA", tmp_path / "out")
    return tmp_path / "out"


def data(name: str, root: Path) -> Config:
    """Read a config of data, which is somewhere else."""
    config = Config.fromfile(CONFIGS / "_base_" / "datasets" / name)
    move(config._cfg_dict, f"{root}/")
    return config


def move(config: ConfigDict, root: str) -> None:
    for key, value in config.items():
        if key == "data_root":
            config[key] = root
        elif isinstance(value, str) and value.startswith("data/DOTA/"):
            config[key] = value.replace("data/DOTA/", root)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ConfigDict):
                move(item, root)


def build(config: ConfigDict):
    from mmdet.registry import DATASETS

    return DATASETS.build(config)


def score(config: Config) -> float:
    """Evaluate the truth as if it were predicted."""
    dataset = build(config.val_dataloader.dataset)
    evaluator = Evaluator(config.val_evaluator)
    evaluator.dataset_meta = dataset.metainfo
    samples = [dataset[i]["data_samples"] for i in range(len(dataset))]
    for sample in samples:
        found = sample.gt_instances.clone()
        # Loaded behind the resize: these are of the image as it is.
        found.bboxes = found.bboxes.tensor
        found.scores = torch.ones(len(found))
        sample.pred_instances = found
    evaluator.process(samples)
    return evaluator.evaluate(len(samples))["coco/bbox_mAP"]


def test_dior_is_read_and_evaluated_as_it_is_released(dior):
    config = data("dior_800x800.py", dior)
    train = build(config.train_dataloader.dataset)
    assert len(train) == 2
    assert train.metainfo["classes"] == tuple(config.classes)
    assert len({*config.classes}) == 20
    sample = train[1]["data_samples"]
    assert sample.img_shape == (800, 800)
    found = {config.classes[label] for label in sample.gt_instances.labels}
    assert found == set(BOXES)
    assert score(config) == pytest.approx(1)


def test_dota_is_read_and_evaluated_as_it_is_cut(dota):
    config = data("dota_1024x1024.py", dota)
    train = build(config.train_dataloader.dataset)
    sample = train[0]["data_samples"]
    assert sample.img_shape == (1024, 1024)
    assert [config.classes[i] for i in sample.gt_instances.labels] == ["ship"]
    x0, y0, x1, y1 = sample.gt_instances.bboxes.tensor[0].tolist()
    assert (x1 - x0, y1 - y0) == (40, 22)
    assert score(config) == pytest.approx(1)
