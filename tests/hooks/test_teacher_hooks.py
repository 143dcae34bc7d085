"""Hooks that show what a distillation's teacher and student do."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmrazor.registry import MODELS
from mmseg.structures import SegDataSample
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

import texture_kd.components  # noqa: F401
from texture_kd.hooks import (
    LossRatioHook,
    TextureVisualizationHook,
    texture_visualization,
)
from texture_kd.visualization.segmentations import segmentations_figure

CONFIGS = Path(__file__).parents[2] / "configs"
STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
TEACHER = STUDENT.replace("w16", "w32")
DISTILLED = f"sstkd_pspnet_r18-w32-d8_{STUDENT}"
DRAWS = dict(type="TextureVisualizationHook", interval=3, indices=[1])


pytestmark = pytest.mark.usefixtures("mmrazors_scope")


@pytest.fixture
def tiny(tiny_mosaic):
    def read(folder, name=DISTILLED, hooks=()):
        config = tiny_mosaic(name, folder, length=4)
        config.train_cfg.update(max_iters=4, val_interval=2)
        config.default_hooks.logger.interval = 1
        config.default_hooks.checkpoint.interval = 4
        config.randomness = dict(seed=3)
        config.custom_hooks = [*config.custom_hooks, *hooks]
        return config

    return read


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    path = tmp_path_factory.mktemp("teacher") / "teacher.pth"
    with DefaultScope.overwrite_default_scope("mmseg"):
        torch.manual_seed(5)
        network = MODELS.build(Config.fromfile(CONFIGS / TEACHER).model)
    torch.save(dict(meta={}, state_dict=network.state_dict()), path)
    return str(path)


def trained(config, teacher):
    config.model.teacher_ckpt = teacher
    runner = Runner.from_cfg(config)
    runner.train()
    return runner


def logged(runner, name):
    return list(runner.message_hub.get_scalar(name).data[0])


def test_drawing_changes_nothing_and_leaves_pictures(tiny, tmp_path, teacher):
    plain = trained(tiny(tmp_path / "plain"), teacher)
    config = tiny(tmp_path / "drawn", hooks=[DRAWS])
    config.visualizer.vis_backends.append(dict(type="TensorboardVisBackend"))
    drawn = trained(config, teacher)
    assert logged(plain, "train/loss") == logged(drawn, "train/loss")
    ours, theirs = (r.model.state_dict() for r in (plain, drawn))
    assert all(
        torch.equal(ours[name], theirs[name]) for name in ours if "_extra" not in name
    )

    pictures = {
        path.name for path in (tmp_path / "drawn").glob("*/vis_data/vis_image/*")
    }
    kinds = ("predictions", "subbands", "statistics")
    assert pictures == {f"image1_{kind}_{n}.png" for kind in kinds for n in (3, 4)}
    assert not list((tmp_path / "plain").glob("*/vis_data/vis_image/*"))

    (events,) = (tmp_path / "drawn").glob("*/vis_data/events.out.*")
    board = EventAccumulator(str(events))
    board.Reload()
    for kind in kinds:
        assert [image.step for image in board.Images(f"image1_{kind}")] == [3, 4]
    assert "distill.ratio_structural_stage1" in board.Tags()["scalars"]


def test_the_teacher_is_tested_as_it_would_be_alone(tiny, tmp_path, teacher):
    runner = trained(tiny(tmp_path / "run"), teacher)
    alone = tiny(tmp_path / "alone", TEACHER)
    alone.load_from = teacher
    expected = Runner.from_cfg(alone).val()
    assert logged(runner, "val/teacher.mIoU") == [expected["mIoU"]] * 2
    assert logged(runner, "val/student.mIoU") == logged(runner, "val/mIoU")
    assert "teacher.mIoU" not in expected


@pytest.mark.parametrize(
    "change",
    [
        {"model.teacher.test_cfg": None},
        {
            "model.teacher.decode_head.num_classes": 9,
            "model.teacher.auxiliary_head.num_classes": 9,
        },
        {"val_evaluator.output_dir": "predictions"},
    ],
)
def test_a_teacher_that_cannot_be_tested_so_is_left_alone(tiny, tmp_path, change):
    config = tiny(tmp_path)
    losses = config.model.distiller
    for name in [n for n in losses.distill_losses if "structural" not in n]:
        del losses.distill_losses[name], losses.loss_forward_mappings[name]
    config.merge_from_dict(change)
    if "val_evaluator.output_dir" in change:
        config.val_evaluator.output_dir = str(tmp_path / "predictions")
    runner = Runner.from_cfg(config)
    runner.train()
    assert logged(runner, "val/mIoU")
    assert not [name for name in runner.message_hub.log_scalars if "teacher." in name]


def test_ratios_are_of_the_students_own_losses_and_of_what_is_logged():
    hub = MessageHub.get_instance("ratios")
    logged = {
        "loss": 12.0,
        "student.decode.loss_ce": 2.0,
        "student.aux.loss_ce": 0.5,
        "student.decode.acc_seg": 90.0,
        "distill.loss_response": 10.0,
        "distill.part_response.x": 1.0,
    }
    for name, value in logged.items():
        hub.update_scalar(f"train/{name}", value)
    # No value of the step itself is asked for, which would wait for a GPU.
    outputs = dict.fromkeys(logged)
    LossRatioHook().after_train_iter(SimpleNamespace(message_hub=hub), 0, None, outputs)
    found = {name for name in hub.log_scalars if "ratio" in name}
    assert found == {"train/distill.ratio_response"}
    assert hub.get_scalar("train/distill.ratio_response").current() == 4

    alone = MessageHub.get_instance("alone")
    for outputs in (None, {"loss": 1.0}, {"distill.loss_response": 1.0}):
        hook = LossRatioHook()
        hook.after_train_iter(SimpleNamespace(message_hub=alone), 0, None, outputs)
    assert not alone.log_scalars


def test_decisions_of_one_channel_are_drawn_and_an_ignored_class_is_not_counted(
    monkeypatch,
):
    guess = torch.tensor([[[0.0, 1.0, 1.0, 0.0]]])
    truth = torch.tensor([[[0, 1, 0, 1]]])
    sample = SegDataSample(gt_sem_seg=PixelData(data=truth))
    network = nn.Module()
    network.decode_head = SimpleNamespace(ignore_index=0)
    network.forward = lambda mode: [SegDataSample(pred_sem_seg=PixelData(data=guess))]
    algorithm = SimpleNamespace(
        student=network, teacher=network, data_preprocessor=lambda batch: {}
    )
    drawn = {}
    for name in ("features", "statistics"):
        module = f"texture_kd.visualization.compared_{name}.compared_{name}"
        monkeypatch.setattr(module, lambda *_: {})

    def draw(*given):
        drawn["figure"] = segmentations_figure(*given)
        return drawn["figure"]

    monkeypatch.setattr(texture_visualization, "segmentations_figure", draw)
    item = dict(inputs=torch.zeros(3, 1, 4, dtype=torch.uint8), data_samples=sample)
    dataset = SimpleNamespace(metainfo=dict(palette=[[0, 0, 0], [255, 0, 0]]))
    ((name, _),) = texture_visualization._figures(algorithm, item, dataset)
    assert name == "predictions"
    titles = [axis.get_title() for axis in drawn["figure"].axes]
    assert titles[2:] == ["student, 50.0% right", "teacher, 50.0% right"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (dict(indices=[0, 4]), "has the image 4, and the validation data have 0 to 3"),
        (dict(classes=None), r"no classes or no palette: add metainfo="),
        (dict(val=False), "give val_dataloader"),
        (dict(alone=True), "leave it out of the training of a single network"),
    ],
)
def test_what_cannot_be_drawn_is_said_before_training(change, said):
    known = dict(classes=change.get("classes", ("a",)), palette=[[0, 0, 0]])

    class Images(list):
        metainfo = known

    model = SimpleNamespace() if change.get("alone") else SimpleNamespace(distiller=1)
    runner = SimpleNamespace(
        model=model,
        val_loop=object() if change.get("val", True) else None,
        val_dataloader=SimpleNamespace(dataset=Images(range(4))),
    )
    hook = TextureVisualizationHook(indices=change.get("indices", [0]))
    with pytest.raises(ValueError, match=said):
        hook.before_train(runner)


def test_an_interval_is_at_least_one():
    with pytest.raises(ValueError, match="interval of at least 1, got 0"):
        TextureVisualizationHook(interval=0)


def test_a_segmentation_is_coloured_and_counted():
    truth = np.array([[0, 1], [255, 1]])
    figure = segmentations_figure(
        np.zeros((2, 2, 3), np.uint8),
        truth,
        dict(student=np.array([[0, 0], [1, 1]])),
        [[10, 0, 0], [0, 20, 0]],
    )
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["image", "truth", "student, 66.7% right"]
    shown = figure.axes[1].images[0].get_array()
    assert shown.tolist() == [[[10, 0, 0], [0, 20, 0]], [[0, 0, 0], [0, 20, 0]]]
