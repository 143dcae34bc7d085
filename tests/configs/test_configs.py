"""Every shipped config builds, and a distillation config differs in its model only."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmrazor.registry import MODELS

from texture_kd.algorithms import TextureDistill

CONFIGS = Path(__file__).parents[2] / "configs"
NAMES = sorted(path.name for path in CONFIGS.glob("*.py"))
DISTILLED = [
    name for name in NAMES if name.startswith(("sstkd_", "cwd_", "fitnet_", "skd_"))
]
CONTROL = {
    name: f"pspnet_{'_'.join(name.removesuffix('.py').split('_')[3:])}.py"
    for name in DISTILLED
}


@pytest.fixture(autouse=True)
def mmseg_scope():
    with DefaultScope.overwrite_default_scope("mmseg"):
        yield


def load(name: str) -> Config:
    return Config.fromfile(CONFIGS / name)


@pytest.mark.parametrize("name", NAMES)
def test_its_model_builds(name):
    config = load(name)
    if config.model.type == "TextureDistill":
        # The teacher is trained by another config, or downloaded.
        config.model.teacher_ckpt = None
    model = MODELS.build(
        dict(config.model, _scope_=config.model.get("_scope_", "mmseg"))
    )
    assert isinstance(model, TextureDistill) == (name in DISTILLED)
    assert tuple(model.data_preprocessor.size) == tuple(config.crop_size)


@pytest.mark.parametrize("name", DISTILLED)
def test_its_control_has_the_same_recipe(name):
    ours, control = load(name), load(CONTROL[name])
    assert set(control) <= set(ours)
    for key in control:
        if key != "model":
            assert ours[key] == control[key], key


@pytest.mark.parametrize("name", [n for n in DISTILLED if "cityscapes" not in n])
def test_its_student_is_the_controls(name):
    assert load(name).model.architecture == load(CONTROL[name]).model


@pytest.mark.parametrize("name", [n for n in DISTILLED if "cityscapes" not in n])
def test_the_teachers_checkpoint_is_what_its_config_writes(name):
    folder, checkpoint = Path(load(name).model.teacher_ckpt).parts[-2:]
    teacher = load(f"{folder}.py")
    assert checkpoint == f"iter_{teacher.train_cfg.max_iters}.pth"
    # Its own training starts from ImageNet; here the checkpoint follows.
    teacher.model.pretrained = None
    assert load(name).model.teacher == teacher.model


@pytest.mark.parametrize("name", NAMES)
def test_its_header_gives_the_command(name):
    header = (CONFIGS / name).read_text().split("_base_")[0]
    assert f"configs/{name}" in header


def test_the_recipe_of_the_paper():
    config = load("sstkd_pspnet_r101_r18_cityscapes.py")
    optimizer = config.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr) == ("SGD", 0.015)
    assert (optimizer.momentum, optimizer.weight_decay) == (0.9, 1e-5)
    schedule = config.param_scheduler[0]
    assert (schedule.power, schedule.end) == (0.9, 80000)
    assert config.train_cfg.max_iters == 80000
    assert 4 * config.train_dataloader.batch_size == 16
    resize = config.train_dataloader.dataset.pipeline[2]
    assert resize.ratio_range == (0.5, 2.1)
    losses = config.model.distiller.distill_losses
    structural = [v for k, v in losses.items() if "structural" in k]
    assert sum(loss.loss_weight for loss in structural) == pytest.approx(0.9)
    assert all(tuple(loss.levels) == (4, 3) for loss in structural)
    statistical = losses.loss_statistical
    assert statistical.loss_weight == 1.15
    assert statistical.histogram == dict(count=50, alpha=0.3, theta=0.9)
    assert losses.loss_response.loss_weight == 5


@pytest.mark.parametrize("name", [n for n in DISTILLED if n.startswith("sstkd_")])
def test_the_statistical_term_knows_the_classes_and_channels(name):
    config = load(name)
    config.model.teacher_ckpt = None
    with DefaultScope.overwrite_default_scope("mmrazor"):
        model = MODELS.build(config.model)
    loss = model.distiller.distill_losses.loss_statistical
    classes = model.student.decode_head.num_classes
    assert loss.auxiliary_head.classify.out_channels == classes
    for side, network in (("student", model.student), ("teacher", model.teacher)):
        widths = [
            list(getattr(network.backbone, stage)[-1].children())
            for stage in ("layer1", "layer2")
        ]
        channels = sum(
            [m for m in block if hasattr(m, "num_features")][-1].num_features
            for block in widths
        )
        assert getattr(loss, f"{side}_channels") == channels
