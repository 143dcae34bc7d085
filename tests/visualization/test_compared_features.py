from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmrazor.registry import MODELS

from texture_kd.visualization.compared_features import compared_features

STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
CONFIGS = Path(__file__).parents[2] / "configs"
CONFIG = CONFIGS / f"sstkd_pspnet_r18-w32-d8_{STUDENT}"


@pytest.fixture
def build():
    """Build the shipped distillation with another CDMLoss; its students see much."""

    def built(stage="stage1", **loss):
        torch.manual_seed(0)
        model = Config.fromfile(CONFIG).model
        model.teacher_ckpt = None
        model.distiller.distill_losses.loss_structural_stage1.update(loss)
        records = model.distiller.loss_forward_mappings.loss_structural_stage1
        records.s_feature.recorder = stage
        algorithm = MODELS.build(model)
        for loss in algorithm.distiller.distill_losses.children():
            for weight in loss.parameters():
                torch.nn.init.normal_(weight)
        return algorithm.eval()

    return built


def stacks(bands):
    return [stack for level in bands.directional for stack in level.stacks]


def drawn_loss(student, teacher, normalise):
    """What CDMLoss compares, of bands as they are drawn."""
    distances = []
    for s, t in zip(stacks(student), stacks(teacher), strict=True):
        if normalise == "correlation":
            # A dead channel's bands stay 0.
            rms = (x.square().mean((0, 3, 4), keepdim=True).sqrt() for x in (s, t))
            s, t = (x / r.clamp_min(1e-9) for x, r in zip((s, t), rms, strict=True))
        error = (s - t).square().mean((0, 1, 3, 4))
        if normalise == "subband":
            error = error / t.square().mean((0, 1, 3, 4))
        distances.append(error)
    return torch.cat(distances).mean().item()


@pytest.mark.parametrize(
    "changes",
    [
        dict(normalise="subband"),
        dict(normalise="none", levels=(3,), pyramid="9-7", directional="pkva"),
        dict(normalise="correlation"),
        # A student's feature with half of the teacher's rows and columns.
        dict(stage="stage2", student_channels=32),
    ],
)
def test_the_drawn_bands_give_the_loss_of_a_training_step(build, data, changes):
    algorithm = build(**changes)
    with torch.no_grad():
        losses = algorithm.loss(data["inputs"], data["data_samples"])
    pairs = compared_features(algorithm, data)
    names = ["loss_structural_stage1", "loss_structural_stage2"]
    assert [title.split(" = ")[0] for title in pairs] == names
    for title, pair in pairs.items():
        name, value = title.split(" = ")
        expected = losses[f"distill.{name}"].item()
        assert float(value) == pytest.approx(expected, rel=5e-3)

        teacher, student = pair["teacher"], pair["student"]
        assert teacher.values.shape == student.values.shape
        loss = algorithm.distiller.distill_losses[name]
        drawn = drawn_loss(student.bands, teacher.bands, loss.normalise)
        # The loss is a mean over all shifts of the bands' lattices, and one is drawn.
        assert loss.loss_weight * drawn == pytest.approx(expected, rel=0.05)


def test_each_stage_of_a_texture_loss_is_drawn_with_its_levels(data):
    torch.manual_seed(0)
    model = Config.fromfile(CONFIGS / f"texture_pspnet_r18-w32-d8_{STUDENT}").model
    model.teacher_ckpt = None
    algorithm = MODELS.build(model)
    for weight in algorithm.distiller.distill_losses.parameters():
        torch.nn.init.normal_(weight)
    algorithm.eval()
    with torch.no_grad():
        losses = algorithm.loss(data["inputs"], data["data_samples"])
    total = 0
    pairs = compared_features(algorithm, data)
    for number, (title, pair) in enumerate(pairs.items()):
        name, value = title.split(" = ")
        assert name == f"loss_texture, stage{number + 1}"
        total += 2 * float(value)
        student, teacher = pair["student"].bands, pair["teacher"].bands
        drawn = drawn_loss(student, teacher, "correlation")
        assert drawn == pytest.approx(float(value), rel=0.05)
    assert number == 3
    assert total == pytest.approx(losses["distill.loss_texture"].item(), rel=5e-3)


def test_what_the_teacher_delivers_reaches_the_student(build, data):
    algorithm = build()
    calls = []
    override = algorithm.distiller.set_deliveries_override
    algorithm.distiller.set_deliveries_override = lambda on: (
        calls.append(on),
        override(on),
    )
    compared_features(algorithm, data)
    assert calls == [False, True]
