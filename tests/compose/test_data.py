"""Networks on a data set of one's own."""

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from texture_kd import components  # noqa: F401  (registers what the configs name)
from texture_kd.compose.configs import classes_of, crop_of, heads_of, read_network
from texture_kd.compose.data import on_data
from texture_kd.compose.folders import completed_data
from texture_kd.compose.schedule import of_length

CLASSES = ("land", "water", "road")
PIDNET = "mmseg::pidnet/pidnet-s_2xb6-120k_1024x1024-cityscapes.py"
STDC = "mmseg::stdc/stdc1_4xb12-80k_cityscapes-512x1024.py"
SWIN = "mmseg::pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-769x769.py"


@pytest.fixture
def folders(tmp_path):
    """A data set of two folders, and the config that says so."""
    for split in ("train", "val"):
        for kind, shape in (("images", (24, 40, 3)), ("labels", (24, 40))):
            folder = tmp_path / kind / split
            folder.mkdir(parents=True)
            suffix = "jpg" if kind == "images" else "png"
            cv2.imwrite(str(folder / f"a.{suffix}"), np.zeros(shape, np.uint8))
    return Config(
        dict(
            data_root=f"{tmp_path}/",
            classes=CLASSES,
            crop_size=(16, 32),
            ignore_index=254,
        )
    )


@pytest.fixture
def data(folders):
    return completed_data(folders)


def test_three_lines_say_a_data_set(data):
    train, val = data.train_dataloader, data.val_dataloader
    assert classes_of(data) == CLASSES
    assert crop_of(data) == (16, 32)
    assert train.batch_size == 8
    assert (train.dataset.img_suffix, train.dataset.seg_map_suffix) == (".jpg", ".png")
    assert train.dataset.data_prefix.seg_map_path == "labels/train"
    (resize,) = (x for x in train.dataset.pipeline if x.type == "RandomResize")
    assert resize.scale == (40, 24)
    assert val.dataset.data_prefix.img_path == "images/val"
    # There is no split of its own.
    assert data.test_dataloader.dataset.data_prefix.img_path == "images/val"
    assert data.val_evaluator.ignore_index == 254


def test_a_config_with_loaders_stays_as_it_is():
    config = Config(dict(train_dataloader=dict()))
    assert completed_data(config) is config


@pytest.mark.parametrize("name", ["data_root", "classes", "crop_size"])
def test_what_is_not_said_is_asked_for(folders, name):
    said = {key: value for key, value in folders.items() if key != name}
    with pytest.raises(ValueError, match=f"nor a {name}: say data_root"):
        completed_data(Config(said))


def test_folders_without_files_are_named(folders, tmp_path):
    (tmp_path / "labels" / "val" / "a.png").unlink()
    with pytest.raises(ValueError, match=r"no image files in .*labels/val"):
        completed_data(folders)


@pytest.mark.parametrize("name", [PIDNET, STDC])
def test_all_heads_learn_the_data_sets_classes(data, name):
    config = on_data(read_network(name), data)
    heads = [*heads_of(config.model)]
    # STDC's head of edges has classes of its own.
    edges = [head for head in heads if head.num_classes == 2]
    assert len(edges) == (name == STDC)
    for head in heads:
        if head not in edges:
            assert (head.num_classes, head.ignore_index) == (3, 254)
    assert "class_weight" not in str(config.model)
    assert config.model.data_preprocessor.size == (16, 32)
    assert config.model.data_preprocessor.seg_pad_val == 254
    assert config.data_preprocessor == config.model.data_preprocessor
    pipeline = [step.type for step in config.train_dataloader.dataset.pipeline]
    edges_made = ["GenerateEdge"] if name == PIDNET else []
    assert pipeline[-1 - len(edges_made) :] == [*edges_made, "PackSegInputs"]


def test_windows_of_tests_are_crops(data):
    config = on_data(read_network(SWIN), data)
    assert config.model.test_cfg.crop_size == (16, 32)
    assert config.model.test_cfg.stride == (10, 21)


def test_the_data_stays_as_it_was(data):
    before = data.to_dict()
    on_data(read_network(PIDNET), data)
    assert data.to_dict() == before


def test_a_data_set_without_names_of_classes_is_refused():
    data = Config(dict(train_dataloader=dict(dataset=dict(type="BaseSegDataset"))))
    with pytest.raises(ValueError, match="does not say its classes"):
        on_data(read_network(PIDNET), data)


def test_a_shorter_training_has_its_schedule_scaled():
    config = of_length(read_network(SWIN), 800)
    assert config.train_cfg.max_iters == 800
    assert config.train_cfg.val_interval == 80
    assert config.param_scheduler[0].end == 800
    assert config.default_hooks.checkpoint.interval == 80


@pytest.mark.parametrize(
    ("change", "iterations", "said"),
    [
        (dict(), 0, "at least 1 iteration, got 0"),
        (dict(train_cfg=dict(_delete_=True, max_epochs=3)), 5, "counts epochs"),
    ],
)
def test_lengths_that_cannot_be(change, iterations, said):
    config = read_network(SWIN)
    config.merge_from_dict(change)
    with pytest.raises(ValueError, match=said):
        of_length(config, iterations)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mmseg::pspnet/pspnet_r18-d8_cityscapes.py", r"did you mean mmseg::pspnet/"),
        ("nothing_here::a.py", "no package 'nothing_here'"),
        ("nowhere.py", "no config nowhere.py$"),
    ],
)
def test_configs_that_are_not_there(name, said):
    with pytest.raises(FileNotFoundError, match=said):
        read_network(name)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("dict(architecture=dict())", "is a distillation"),
        ("None", "no config of a segmentor"),
        ("dict(type='RetinaNet', backbone=dict())", "no config of a segmentor"),
    ],
)
def test_configs_of_no_segmentor(tmp_path, model, said):
    path = tmp_path / "config.py"
    path.write_text(f"model = {model}\n")
    with pytest.raises(ValueError, match=said):
        read_network(str(path))
