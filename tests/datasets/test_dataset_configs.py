import numpy as np
import pytest
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.runner import set_random_seed
from mmseg.registry import DATASETS, METRICS

import texture_kd.components  # noqa: F401  registers what the fragments name

LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")


def first_batch(loader: ConfigDict, **changes) -> dict:
    """The first items of the loader's data set, as a batch."""
    dataset = DATASETS.build(loader.dataset | changes)
    count = min(loader.batch_size, len(dataset))
    return pseudo_collate([dataset[index] for index in range(count)])


@pytest.mark.parametrize("name", LOADERS)
def test_texture_mosaic(load_config, name):
    config = load_config("texture_mosaic")
    batch = first_batch(config[name])
    sizes = {tuple(image.shape) for image in batch["inputs"]}
    assert sizes == {(3, *config.crop_size)}
    assert len(batch["inputs"]) == config[name].batch_size
    labels = np.stack([sample.gt_sem_seg.data for sample in batch["data_samples"]])
    assert labels.max() < 12


@pytest.mark.parametrize("name", LOADERS)
def test_texture_mosaic_keeps_directions_and_scales(load_config, name):
    pipeline = load_config("texture_mosaic")[name].dataset.pipeline
    assert [step.type for step in pipeline] == ["LoadTextureMosaic", "PackSegInputs"]


def test_texture_mosaic_splits(load_config):
    config = load_config("texture_mosaic")
    assert [config[name].dataset.split for name in LOADERS] == ["train", "val", "test"]


@pytest.mark.parametrize("name", LOADERS)
def test_camvid(load_config, camvid_tree, name):
    config = load_config("camvid")
    batch = first_batch(config[name], data_root=str(camvid_tree))
    image, sample = batch["inputs"][0], batch["data_samples"][0]
    if name == "train_dataloader":
        assert image.shape[1] <= config.crop_size[0]
        assert image.shape[2] <= config.crop_size[1]
        assert image.shape[1] > 36
    else:
        assert image.shape == (3, 36, 48)
    assert set(np.unique(sample.gt_sem_seg.data)) <= {*range(11), 255}


@pytest.mark.parametrize("name", ["aerial_128x128", "aerial_257x257"])
def test_aerial_crops_need_no_padding(load_config, aerial_tree, name):
    config = load_config(name)
    loader = config.train_dataloader
    resize = next(t for t in loader.dataset.pipeline if t.type == "RandomResize")
    # The tile that the converter is told to make, at the smallest scale.
    assert resize.scale[0] * resize.ratio_range[0] >= config.crop_size[0]
    set_random_seed(0)
    batch = first_batch(loader, data_root=str(aerial_tree))
    assert {tuple(image.shape) for image in batch["inputs"]} == {(3, *config.crop_size)}
    for sample in batch["data_samples"]:
        assert set(np.unique(sample.gt_sem_seg.data)) <= {*range(5), 255}
    for other in ("val_dataloader", "test_dataloader"):
        batch = first_batch(config[other], data_root=str(aerial_tree))
        assert batch["inputs"][0].shape == (3, 280, 300)
        assert config[other].dataset.data_root == loader.dataset.data_root


def test_aerial_crops_are_flipped_both_ways(load_config, aerial_tree):
    pipeline = load_config("aerial_128x128").train_pipeline
    flip = next(step for step in pipeline if step.type == "RandomFlip")
    still = [s for s in pipeline if s.type in ("LoadImageFromFile", "LoadAnnotations")]
    dataset = DATASETS.build(
        load_config("aerial_128x128").train_dataloader.dataset
        | dict(data_root=str(aerial_tree), pipeline=[*still, flip])
    )
    set_random_seed(0)
    found = [dataset[0].get("flip_direction") for _ in range(400)]
    # A quarter each: two independent flips.
    for kind in (None, "horizontal", "vertical", "diagonal"):
        assert 70 < found.count(kind) < 130


@pytest.mark.parametrize("name", ["texture_mosaic", "camvid", "aerial_128x128"])
def test_evaluators_are_miou(load_config, name):
    config = load_config(name)
    for evaluator in (config.val_evaluator, config.test_evaluator):
        assert METRICS.build(evaluator).metrics == ["mIoU"]
