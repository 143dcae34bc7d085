"""One run of a check tells all that is wrong, whatever stage it shows in."""

import itertools
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from mmengine.structures import PixelData
from mmseg.models.decode_heads import FCNHead
from mmseg.structures import SegDataSample
from torch import nn

from texture_kd.analysis.check_runner import CheckFailed
from texture_kd.analysis.first_labels import ignore_unknown_labels
from texture_kd.analysis.stage_faults import StageFaults
from texture_kd.analysis.tried_loop import TriedLoop, validations

LOSSES = "model.distiller.distill_losses."
RECORDERS = "model.distiller.student_recorders."
WRONG_CHANNELS = {f"{LOSSES}loss_structural_stage1.student_channels": 8}

pytestmark = pytest.mark.usefixtures("mmrazors_scope", "folders")


def told(checked, **options) -> list[str]:
    with pytest.raises(CheckFailed) as failure:
        checked(**options)
    return list(failure.value.args)


def assert_told(faults: list[str], *wanted: tuple[str, str]) -> None:
    """See to it that there is a fault of each stage, with words, and no other."""
    assert len(faults) == len(wanted), faults
    for said, (stage, words) in zip(faults, wanted, strict=True):
        assert said.startswith(f"{stage}: "), said
        assert words in said


def test_data_heads_losses_and_metrics(checked):
    options = {
        "val_dataloader.dataset.split": "vall",
        "model.architecture.auxiliary_head.num_classes": 9,
        "test_evaluator.iou_metrics": ["mIou"],
        **WRONG_CHANNELS,
    }
    assert_told(
        told(checked, **options),
        ("building val_dataloader", "vall"),
        ("NumClassesCheckHook", "auxiliary head 0 (FCNHead) predicts 9 classes"),
        ("iteration 1", "loss_structural_stage1: "),
        ("test", "mIou"),
    )


def test_losses_that_cannot_be_built_hide_no_others(checked):
    options = {
        "model.architecture.decode_head.num_classes": 9,
        f"{LOSSES}loss_statistical.chanels": 8,
        "val_evaluator.iou_metrics": ["mIou"],
        "test_evaluator.iou_metrics": ["mIou"],
        **WRONG_CHANNELS,
    }
    faults = told(checked, **options)
    assert len(faults) == 4, faults
    model, classes, loss, metric = faults
    assert "a student with 9 classes and of a teacher with 12" in model
    assert "loss_statistical (DTIEMLoss) has the option 'chanels'" in model
    assert "The decode head predicts 9 classes" in classes
    # Faults that are collected have no one place.
    assert "faults.py" not in model
    # The auxiliary head is right, and labels of other classes follow from the head.
    assert "auxiliary" not in classes
    assert loss.startswith("iteration 1: loss_structural_stage1: ")
    # What the validation raises the test does, too.
    assert metric.startswith("validation: KeyError")


def test_hooks_optimisers_and_schedules(checked):
    options = {
        "custom_hooks": [dict(type="FiniteLossHok"), dict(type="PlainStudentHook")],
        "optim_wrapper.optimizer.momentun": 0.9,
        "default_hooks.timer": dict(type="IterTimerHook", momentum=1),
        **WRONG_CHANNELS,
    }
    assert_told(
        told(checked, **options),
        ("building a hook", "IterTimerHook"),
        ("building a hook", "FiniteLossHok"),
        ("building optim_wrapper", "momentun"),
        ("iteration 1", "loss_structural_stage1: "),
    )


def test_a_network_hides_neither_its_distiller_nor_the_data(checked, folders):
    picture = np.zeros((64, 64, 3), np.uint8)
    for name in ("img/0.png", "ann/0.png"):
        (folders / name).parent.mkdir()
        cv2.imwrite(str(folders / name), picture)
    data = dict(
        type="BaseSegDataset",
        data_root=str(folders),
        data_prefix=dict(img_path="img", seg_map_path="ann"),
        img_suffix=".png",
        seg_map_suffix=".png",
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations"),
            dict(type="PackSegInputs"),
        ],
    )
    options = {
        "model.architecture.decode_head.pool_scale": (1, 2),
        f"{RECORDERS}stage1.typ": "ModuleOutputs",
        "train_dataloader.dataset": dict(data, _delete_=True),
        "test_dataloader.dataset.split": "tset",
    }
    model, test, labels = told(checked, **options)
    assert "model.architecture: TypeError: " in model
    assert "pool_scale" in model
    assert " Also: the student's recorder 'stage1' (ModuleOutputs): TypeError" in model
    assert test.startswith("building test_dataloader: ")
    assert "ann/0.png is a picture of the shape (64, 64, 3)" in labels


# PyTorch's, of how MMSegmentation asks for it.
@pytest.mark.filterwarnings("ignore:torch.utils.checkpoint")
def test_each_record_without_a_gradient(checked):
    options = {
        "model.architecture.backbone.with_cp": True,
        f"{RECORDERS}stage1.source": "backbone.layer1.0.conv2",
        f"{RECORDERS}stage2.source": "backbone.layer2.0.conv2",
    }
    (said,) = told(checked, **options)
    for name in ("stage1", "stage2"):
        assert f"student's recorder '{name}' records inside a block" in said


def test_a_place_is_told_once():
    def fail(size):
        raise RuntimeError(f"no image of {size}")

    faults = StageFaults()
    for stage, size in (("iteration 1", 64), ("validation", 128)):
        try:
            fail(size)
        except RuntimeError as error:
            faults.ran(stage, error)
    try:
        raise RuntimeError("something else")
    except RuntimeError as error:
        faults.ran("test", error)
    first, second = faults.found
    assert first.startswith("iteration 1: RuntimeError: no image of 64 (")
    assert second.startswith("test: RuntimeError: something else (")


def test_labels_that_are_wrong_are_ignored_from_then_on():
    heads = {
        name: FCNHead(
            in_channels=4,
            channels=4,
            num_convs=1,
            num_classes=count,
            ignore_index=9,
            loss_decode=dict(type="mmseg.CrossEntropyLoss"),
        )
        for name, count in (("decode_head", 5), ("auxiliary_head", 3))
    }
    maps = [torch.tensor([[[0, 2, 3], [-1, 9, 200]]]), torch.zeros(2, 3, 3)]
    samples = [SegDataSample(gt_sem_seg=PixelData(data=labels)) for labels in maps]
    images = [torch.zeros(3, 2, 3)] * 2
    ignore_unknown_labels(
        nn.ModuleDict(heads), dict(inputs=images, data_samples=samples)
    )
    found = [sample.gt_sem_seg.data.tolist() for sample in samples]
    assert found == [[[[0, 2, 9], [9, 9, 9]]], [[[9] * 3] * 2]]


@pytest.mark.parametrize("kind", [IterBasedTrainLoop, EpochBasedTrainLoop])
@pytest.mark.parametrize(
    ("length", "begin", "interval", "dynamic"),
    [
        (10, 1, 4, None),
        (12, 1, 4, None),
        (12, 6, 4, None),
        (3, 1, 4, None),
        (20, 1, 5, [(11, 2)]),
    ],
)
def test_validations_are_counted_as_the_loop_has_them(
    kind, length, begin, interval, dynamic
):
    count = itertools.count()
    runner = SimpleNamespace(
        call_hook=lambda name: None,
        model=nn.Identity(),
        visualizer=SimpleNamespace(),
        val_loop=SimpleNamespace(run=lambda: next(count)),
    )
    data = torch.utils.data.DataLoader(range(32))
    loop = kind(runner, data, length, begin, interval, dynamic)

    def step(*_):
        loop._iter += 1

    loop.run_iter = step
    expected = validations(loop)
    loop.run()
    assert expected == next(count)


def test_the_time_of_validations():
    what, seen = TriedLoop(101, 0.21).row(10)[1:]
    assert what == "of 101 images, 10 times, without data"
    assert seen == "3.5 min, 0.210 s an image"
