from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmrazor.registry import MODELS

from texture_kd.visualization.compared_features import compared_features

STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
CONFIG = Path(__file__).parents[2] / "configs" / f"sstkd_pspnet_r18-w32-d8_{STUDENT}"


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


def energies(bands):
    stacks = [stack for level in bands.directional for stack in level.stacks]
    return torch.cat([stack.square().mean((0, 1, 3, 4)) for stack in stacks])


@pytest.mark.parametrize(
    "changes",
    [
        dict(normalise="subband"),
        dict(normalise="none", levels=(3,), pyramid="9-7", directional="pkva"),
        dict(normalise="feature"),
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
        errors = student.bands._replace(
            directional=tuple(
                s._replace(
                    vertical=s.vertical - t.vertical,
                    horizontal=s.horizontal - t.horizontal,
                )
                for s, t in zip(
                    student.bands.directional, teacher.bands.directional, strict=True
                )
            )
        )
        drawn = energies(errors)
        if loss.normalise == "subband":
            drawn = drawn / energies(teacher.bands)
        drawn = loss.loss_weight * drawn.mean().item()
        assert drawn == pytest.approx(expected, rel=1e-3)


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
