"""The example of dense regression trains, teaches and measures."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.runner import Runner

from texture_kd.algorithms import TextureDistill
from texture_kd.datasets.mosaic import Mosaic
from texture_kd.examples.super_resolution import EDSR, PSNR, MosaicPatches

CONFIGS = Path(__file__).parents[2] / "configs" / "super_resolution"
NAMES = sorted(path.name for path in CONFIGS.glob("*.py"))
DISTILLED = [name for name in NAMES if not name.startswith("edsr_")]


def tiny(name: str, folder: Path) -> Config:
    config = Config.fromfile(CONFIGS / name)
    config.work_dir = str(folder)
    config.train_cfg.update(max_iters=2, val_interval=2)
    config.default_hooks.checkpoint.interval = 2
    config.default_hooks.logger.interval = 1
    for loader in (config.train_dataloader, config.val_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.update(length=4, size=32)
    config.train_dataloader.batch_size = 2
    if "teacher_ckpt" in config.model:
        config.model.teacher_ckpt = None
    return config


pytestmark = pytest.mark.usefixtures("mmrazors_scope")


@pytest.mark.parametrize("name", NAMES)
def test_a_config_trains_and_its_header_gives_the_command(name, tmp_path):
    header = (CONFIGS / name).read_text().split("_base_")[0]
    for command in ("train", "test"):
        assert f"mim {command} mmrazor configs/super_resolution/{name}" in header
    if name in DISTILLED:
        assert "mim train mmrazor configs/super_resolution/edsr_teacher.py" in header
    torch.manual_seed(0)
    runner = Runner.from_cfg(tiny(name, tmp_path))
    student = getattr(runner.model, "architecture", runner.model)
    before = {key: value.clone() for key, value in student.state_dict().items()}
    runner.train()
    assert isinstance(student, EDSR)
    assert all(not torch.equal(before[k], v) for k, v in student.state_dict().items())
    assert runner.message_hub.get_scalar("val/PSNR").current() > 0
    if name in DISTILLED:
        state = torch.load(tmp_path / "iter_2.pth", weights_only=False)["state_dict"]
        EDSR(channels=12, blocks=4).load_state_dict(state, strict=False)
        assert {*student.state_dict()} <= {*state}


@pytest.mark.parametrize("name", DISTILLED)
def test_a_distillation_has_the_controls_recipe_and_half_of_its_loss(name):
    ours, theirs = (Config.fromfile(CONFIGS / n) for n in (name, "edsr_student.py"))
    teacher = Config.fromfile(CONFIGS / "edsr_teacher.py")
    for key in theirs:
        if key != "model":
            assert ours[key] == theirs[key], key
    assert ours.model.architecture == dict(theirs.model, loss_weight=0.5)
    assert ours.model.teacher == teacher.model
    losses = ours.model.distiller.distill_losses
    assert losses.loss_response.loss_weight == 0.5
    assert ours.model.teacher_ckpt.endswith(f"iter_{teacher.train_cfg.max_iters}.pth")


def test_every_rival_is_there():
    methods = {name.removesuffix("_edsr.py") for name in DISTILLED}
    assert methods == {"response", "fitnet", "fakd", "lfd", "lsfd", "lsfd_fft"}


def test_every_feature_is_learnt_from():
    config = Config.fromfile(CONFIGS / "lsfd_edsr.py")
    config.model.teacher_ckpt = None
    torch.manual_seed(0)
    model = TextureDistill(**{k: v for k, v in config.model.items() if k != "type"})
    large = torch.rand(2, 3, 32, 32)
    losses = model(F.avg_pool2d(large, 2), large, mode="loss")
    names = ("first", "middle", "last", "response")
    for name in names:
        (gradient,) = torch.autograd.grad(
            losses[f"distill.loss_{name}"],
            model.student.head.weight,
            retain_graph=True,
        )
        assert gradient.abs().sum() > 0
    # Features of a start are as far apart as they will be; no term drowns another.
    assert all(0.01 < losses[f"distill.loss_{name}"] < 10 for name in names)


def test_edsr_is_the_network_of_its_paper():
    model = EDSR(channels=64, blocks=16)
    parameters = sum(p.numel() for p in model.parameters())
    # 1.5 M of Table 1 of LSFD are for the scale 4, with another stage of upsampling.
    assert parameters == pytest.approx(1.37e6, rel=0.01)
    x = torch.rand(1, 3, 6, 5)
    assert model(x).shape == (1, 3, 12, 10)
    assert EDSR(channels=4, blocks=1, scale=3)(x).shape == (1, 3, 18, 15)


def test_its_loss_is_the_weighted_distance_of_the_pictures():
    model = EDSR(channels=4, blocks=1, loss_weight=0.5)
    x, true = torch.rand(2, 3, 6, 5), torch.rand(2, 3, 12, 10)
    loss = model(x, true, mode="loss")["loss_l1"]
    torch.testing.assert_close(loss, (model(x) - true).abs().mean() / 2)
    pairs = model(x, true, mode="predict")
    torch.testing.assert_close(torch.stack([p["true"] for p in pairs]), true)
    torch.testing.assert_close(torch.stack([p["predicted"] for p in pairs]), model(x))


def test_patches_are_the_same_each_time_and_of_no_other_split():
    train = MosaicPatches("train", length=3, size=32)
    small, large = train[1]["inputs"], train[1]["data_samples"]
    assert small.shape == (3, 16, 16)
    assert large.shape == (3, 32, 32)
    assert torch.equal(train[1]["data_samples"], large)
    assert small.min() >= 0
    assert small.max() <= 1
    assert large.min() < 0.5 < large.max() <= 1
    torch.testing.assert_close(small.mean(), large.mean(), atol=0.01, rtol=0)
    others = [train[0], MosaicPatches("val", length=3, size=32)[1]]
    assert not any(torch.equal(large, other["data_samples"]) for other in others)
    with pytest.raises(IndexError, match="no number 3"):
        train[3]
    assert len([*train]) == len(train) == 3


def test_small_patches_show_no_detail_that_is_too_fine_for_them(monkeypatch):
    # Stripes of two pixels are beyond what half the resolution can show.
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = 255
    module = "texture_kd.examples.super_resolution"
    monkeypatch.setattr(
        f"{module}.texture_mosaic", lambda *_, **__: Mosaic(stripes, stripes[..., 0])
    )
    small = MosaicPatches("train", length=1, size=32)[0]["inputs"]
    torch.testing.assert_close(
        small[..., 2:-2, 2:-2], torch.full((3, 12, 12), 0.5), atol=0.1, rtol=0
    )


@pytest.mark.parametrize("scale", [2, 3, 49])
def test_patches_of_any_scale(scale):
    patch = MosaicPatches("train", length=1, size=147 // scale * scale, scale=scale)[0]
    side = patch["inputs"].shape[-1]
    assert patch["data_samples"].shape[-1] == scale * side


def test_a_size_that_the_scale_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="that 2 divides, got 33"):
        MosaicPatches("train", length=1, size=33)


def test_psnr_is_that_of_the_inner_pixels_with_clipped_colours():
    true = torch.zeros(3, 8, 8)
    predicted = torch.full((3, 8, 8), 0.1)
    predicted[:, 0] = 7
    predicted[:, 4, 4] = -5
    metric = PSNR(border=1)
    metric.process({}, [dict(predicted=predicted, true=true)] * 2)
    mse = 0.01 * 35 / 36
    expected = -10 * torch.tensor(mse, dtype=torch.float64).log10().item()
    assert metric.evaluate(2)["PSNR"] == pytest.approx(expected)


def test_psnr_without_a_border():
    metric = PSNR(border=0)
    picture = torch.full((3, 4, 4), 0.1)
    metric.process({}, [dict(predicted=picture, true=torch.zeros(3, 4, 4))])
    assert metric.evaluate(1)["PSNR"] == pytest.approx(20)
