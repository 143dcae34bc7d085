"""Networks on a data set of one's own."""

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from texture_kd import components  # noqa: F401  (registers what the configs name)
from texture_kd.compose.configs import (
    classes_of,
    crop_of,
    heads_of,
    read_network,
    start_from_scratch,
)
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


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (dict(classes="road"), "as a tuple of names, each once, .* got 'road'"),
        (dict(classes=("road", "road")), "each once"),
    ],
)
def test_classes_that_are_no_names(folders, change, said):
    folders.merge_from_dict(change)
    with pytest.raises(ValueError, match=said):
        completed_data(folders)


def test_a_crop_of_one_number_is_a_square(folders):
    folders.crop_size = 16
    assert crop_of(completed_data(folders)) == (16, 16)


def test_files_that_a_data_set_would_pass_over(folders, tmp_path):
    image = tmp_path / "images" / "val" / "b.png"
    cv2.imwrite(str(image), np.zeros((24, 40, 3), np.uint8))
    with pytest.raises(ValueError, match=r"one suffix .*/a\.jpg and .*b\.png"):
        completed_data(folders)
    image.rename(image.with_suffix(".jpg"))
    with pytest.raises(ValueError, match=r"1 images have no label .*b\.jpg"):
        completed_data(folders)


def test_an_image_that_is_none_is_named(folders, tmp_path):
    (tmp_path / "images" / "train" / "a.jpg").write_bytes(b"none")
    with pytest.raises(ValueError, match=r"a\.jpg cannot be read as an image"):
        completed_data(folders)


@pytest.mark.parametrize(
    "name",
    [
        "stdc/stdc2_in1k-pre_4xb12-80k_cityscapes-512x1024.py",
        "bisenetv1/bisenetv1_r18-d32-in1k-pre_4xb4-160k_cityscapes-1024x1024.py",
        "icnet/icnet_r18-d8-in1k-pre_4xb2-160k_cityscapes-832x832.py",
        "swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py",
    ],
)
def test_weights_to_download_are_found_where_they_are(name):
    model = read_network(f"mmseg::{name}").model
    assert "Pretrained" in str(model)
    start_from_scratch(model)
    assert "Pretrained" not in str(model)


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


def test_weights_are_of_classes_and_not_of_their_number(data):
    network = read_network(PIDNET)
    classes = classes_of(network)
    dataset = data.train_dataloader.dataset
    dataset.metainfo.classes = classes
    assert "class_weight" in str(on_data(network, data).model)
    dataset.metainfo.classes = classes[::-1]
    assert "class_weight" not in str(on_data(network, data).model)


@pytest.mark.parametrize("several", [False, True])
def test_edges_are_made_in_data_sets_that_are_wrapped(data, several):
    dataset = data.train_dataloader.dataset
    data.train_dataloader.dataset = (
        dict(type="ConcatDataset", datasets=[dataset, dataset])
        if several
        else dict(type="RepeatDataset", times=2, dataset=dataset)
    )
    made = on_data(read_network(PIDNET), data).train_dataloader.dataset
    for inner in made.datasets if several else [made.dataset]:
        steps = [step.type for step in inner.pipeline]
        assert steps[-2:] == ["GenerateEdge", "PackSegInputs"]


def test_a_preprocessor_beside_the_model_is_the_models(tmp_path):
    path = tmp_path / "config.py"
    path.write_text(
        "data_preprocessor = dict(type='SegDataPreProcessor', mean=[1.0])\n"
        "model = dict(backbone=dict(), decode_head=dict(num_classes=2))\n"
    )
    assert read_network(str(path)).model.data_preprocessor.mean == [1.0]


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
    assert of_length(read_network(SWIN), 40000).train_cfg.val_interval == 8000
    config = of_length(read_network(SWIN), 800)
    assert config.train_cfg.max_iters == 800
    assert config.train_cfg.val_interval == 800
    assert config.param_scheduler[0].end == 800
    assert config.default_hooks.checkpoint.interval == 800


@pytest.mark.parametrize(
    ("change", "iterations", "said"),
    [
        (dict(), 0, "at least 1 iteration, got 0"),
        (
            dict(train_cfg=dict(_delete_=True, max_epochs=3)),
            5,
            "counts epochs, .* leave out --iterations",
        ),
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
        ("mmseg::pspnet/pspnet_r18-d8_cityscapes.py", r"did you mean pspnet/"),
        ("nothing_here::a.py", "package 'nothing_here', which is not installed"),
        ("nowhere.py", "no config nowhere.py$"),
    ],
)
def test_configs_that_are_not_there(name, said):
    with pytest.raises((FileNotFoundError, ValueError), match=said):
        read_network(name)


def test_configs_of_ours_go_by_the_packages_name():
    name = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
    assert read_network(f"texture_kd::{name}").model == (
        read_network(f"configs/{name}").model
    )


@pytest.mark.parametrize("text", ["model = (", "model = nothing"])
def test_configs_that_are_not_python(tmp_path, text):
    path = tmp_path / "config.py"
    path.write_text(f"{text}\n")
    with pytest.raises(ValueError, match=r"config\.py cannot be read as Python"):
        read_network(str(path))


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


def test_embeddings_of_positions_get_the_crops_size():
    data = Config(dict(DATA, crop_size=(32, 48)))
    model = on_data(read_network(VIT), data).model
    assert tuple(model.backbone.img_size) == (32, 48)
    data = Config(dict(DATA, crop_size=(64, 64)))
    assert tuple(on_data(read_network(VIT), data).model.backbone.img_size) == (64, 64)


VIT = "mmseg::vit/vit_deit-s16_upernet_8xb2-80k_ade20k-512x512.py"
DATA = dict(
    train_dataloader=dict(
        dataset=dict(type="BaseSegDataset", metainfo=dict(classes=CLASSES), pipeline=[])
    )
)


def test_images_of_several_sizes_are_not_scaled(folders, tmp_path):
    cv2.imwrite(str(tmp_path / "images/train/b.jpg"), np.zeros((30, 40, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "labels/train/b.png"), np.zeros((30, 40), np.uint8))
    pipeline = completed_data(folders).train_dataloader.dataset.pipeline
    assert [step.type for step in pipeline][2] == "RandomCrop"


def test_a_head_of_two_edges_keeps_its_classes():
    config = read_network(STDC)
    for head in (config.model.decode_head, *config.model.auxiliary_head[:-1]):
        head.num_classes = 2
    assert config.model.auxiliary_head[-1].type == "STDCHead"
    heads = list(
        heads_of(on_data(config, Config(dict(DATA, crop_size=(64, 64)))).model)
    )
    assert [head.num_classes for head in heads] == [3, 3, 2, 3]
