"""The configs of detectors are the paper's, and each of them trains."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from small_detection import (
    CONFIGS,
    NAMES,
    build,
    leave_checkpoints_out,
    need_mmdetection,
    num_classes,
    random_batch,
)

from texture_kd.algorithms import TextureDistill

need_mmdetection()

pytestmark = pytest.mark.usefixtures("mmdets_scope")

DISTILLED = [name for name in NAMES if name.startswith("ds2d2_")]
# Of DIOR and DOTA: w_l, w_h, w_f, w_a.
PAPER = {
    ("retinanet", "dior"): (1e-5, 1e-5, 1, 1),
    ("retinanet", "dota"): (7e-5, 5e-5, 0.7, 0.5),
    ("faster-rcnn", "dior"): (0.5, 0.5, 1e-5, 1e-5),
    ("faster-rcnn", "dota"): (0.12, 1.2, 1.5e-3, 3e-3),
}


def load(name: str) -> Config:
    return Config.fromfile(CONFIGS / name)


def kind(name: str) -> tuple[str, str]:
    return next(key for key in PAPER if all(part in name for part in key))


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_of_the_paper(name):
    config = load(name)
    optimizer = config.optim_wrapper.optimizer
    net, _ = kind(name)
    rate = 0.005 if net == "retinanet" else 0.02
    assert (optimizer.type, optimizer.lr) == ("SGD", rate)
    assert (optimizer.momentum, optimizer.weight_decay) == (0.9, 1e-4)
    warm_up, steps = config.param_scheduler
    assert (warm_up.end, warm_up.by_epoch) == (500, False)
    assert (steps.milestones, steps.gamma) == ([16, 22], 0.1)
    assert config.train_cfg.max_epochs == 24
    assert config.train_dataloader.batch_size == 2
    assert config.auto_scale_lr == dict(enable=True, base_batch_size=16)
    side = int(name.removesuffix(".py").rsplit("x", 1)[1])
    assert config.crop_size == (side, side)
    resize, flip = config.train_pipeline[2:4]
    assert (tuple(resize.scale), flip.prob) == ((side, side), 0.5)


@pytest.mark.parametrize("name", DISTILLED)
def test_a_distillation_is_its_control_with_a_teacher(name):
    ours = load(name)
    net, data = kind(name)
    control = load(next(n for n in NAMES if n.startswith(f"{net}_r18") and data in n))
    trained = load(next(n for n in NAMES if n.startswith(f"{net}_r101") and data in n))
    for key in control:
        if key != "model":
            assert ours[key] == control[key], key
    assert ours.model.architecture == control.model
    # Its own training starts from ImageNet; here the checkpoint follows.
    trained.model.backbone.init_cfg = None
    assert ours.model.teacher == trained.model
    loss = ours.model.distiller.distill_losses.loss_ds2d2
    low, high, full, amplified = PAPER[kind(name)]
    assert (loss.low_weight, loss.high_weight) == (low, high)
    # The paper's code summed over 1024 regions where ours takes the mean.
    factor = 1024 if net == "faster-rcnn" else 1
    weights = [loss.amplifiers[part].loss_weight for part in ("full", "high")]
    assert weights == [factor * full, factor * amplified]


@pytest.mark.parametrize("name", [n for n in NAMES if "amplifier" in n])
def test_an_amplifier_is_its_teacher_on_details(name):
    ours, teacher = load(name), load(name.removeprefix("ds2d2-amplifier_"))
    teacher.model.backbone.init_cfg = None
    assert ours.model.pop("teacher_ckpt")
    assert "HighFrequency" in ours.model.pop("type")
    teacher.model.pop("type")
    assert ours._cfg_dict == teacher._cfg_dict


@pytest.mark.parametrize("name", NAMES)
def test_it_trains(name):
    config = load(name)
    distils = "teacher" in config.model
    head = (config.model.teacher if distils else config.model).copy()
    head = head.get("bbox_head") or head.roi_head.bbox_head
    assert head.num_classes == num_classes(config)
    leave_checkpoints_out(config.model)
    model = build(config.model)
    assert isinstance(model, TextureDistill) == distils
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    reached = set()
    for key, parameter in trained.items():
        parameter.register_post_accumulate_grad_hook(
            lambda _, key=key: reached.add(key)
        )
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    log = model.train().train_step(random_batch(num_classes(config)), wrapper)
    assert all(value.isfinite().all() for value in log.values())
    # Several processes would refuse a parameter without a gradient.
    assert reached == set(trained)
    if distils:
        parts = {f"distill.part_ds2d2.{x}" for x in ("low", "high", "full")}
        assert {*parts, "distill.part_ds2d2.amplified"} <= set(log)
        assert all(log[part] > 0 for part in parts)
        assert not [key for key in trained if key.startswith("teacher.")]


@pytest.mark.parametrize("name", [n for n in DISTILLED if "dior" in n])
def test_the_student_computes_what_it_does_alone(name):
    config = load(name)
    leave_checkpoints_out(config.model)
    student = config.model.architecture
    batch = random_batch(20)
    found = []
    for model in (build(copy.deepcopy(student)), build(config.model)):
        model.train()
        data = model.data_preprocessor(copy.deepcopy(batch), training=True)
        torch.manual_seed(1)
        found.append(model(**data, mode="loss"))
    alone, distilled = found
    for key, value in alone.items():
        for x, y in zip(
            _listed(value), _listed(distilled[f"student.{key}"]), strict=True
        ):
            assert torch.equal(x, y), key


def _listed(value):
    return value if isinstance(value, list) else [value]
