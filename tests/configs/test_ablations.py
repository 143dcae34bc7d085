"""The guide's rows of the paper's Tables 1, 2 and 4 are what they are said to be."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config, DictAction
from mmengine.registry import DefaultScope
from mmrazor.registry import MODELS
from torch import nn

import texture_kd.components  # noqa: F401

ROOT = Path(__file__).parents[2]
STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
CONFIG = f"sstkd_pspnet_r18-w32-d8_{STUDENT}"
PREFIX = "model.distiller.distill_losses."
# What the rows of Table 4 learn from.
LABELS = {
    PREFIX + "loss_statistical.num_classes": 12,
    "model.distiller.loss_forward_mappings.loss_statistical.gt": dict(
        recorder="labels", from_student=True
    ),
}
# Whether the structural and the statistical term count.
TABLE_1 = {
    "response": (False, False),
    "+ structural": (True, False),
    "+ statistical": (False, True),
    "+ both": (True, True),
}
TABLE_2 = {"1": (4,), "2": (4, 3), "3": (4, 3, 3)}
# Global or not, placement of the levels, share that denoising keeps.
TABLE_4 = {
    "global": (True, "uniform", 1),
    "+ adaptive sampling": (False, "uniform", 1),
    "+ heuristic levels": (False, "heuristic", 1),
    "+ denoising": (False, "heuristic", 0.9),
}


@pytest.fixture
def losses(load):
    """Return a function that builds the losses of a table's rows."""
    return lambda table: {
        name: build(load(CONFIG), options) for name, options in rows(table).items()
    }


def build(config: Config, options: dict) -> nn.ModuleDict:
    """Build a config's losses, with the same weights whatever the options."""
    config.model.teacher_ckpt = None
    config.merge_from_dict({**options, PREFIX + "loss_statistical.seed": 0})
    if PREFIX + "loss_statistical.distance" in options:
        config.merge_from_dict(LABELS)
    with DefaultScope.overwrite_default_scope("mmrazor"):
        torch.manual_seed(0)
        return MODELS.build(config.model).distiller.distill_losses


def rows(table: int) -> dict[str, dict]:
    """Options of each row by its name, as the guide has them."""
    text = (ROOT / "docs" / "guides" / "ablations.md").read_text()
    lines = re.search(rf"\nTable {table}, [^|]*((?:\|.*\n)+)", text)[1].splitlines()
    found = {}
    for line in lines[2:]:
        name, options = (cell.strip() for cell in line.strip("|").split("|"))
        pairs = re.findall(r"`'?([\w.]+)=([^\s'`]+)'?`", options)
        found[name] = {
            PREFIX + key: DictAction._parse_iterable(value) for key, value in pairs
        }
    return found


def stages(loss) -> list[torch.Tensor]:
    """Random records of both networks for a statistical term."""
    torch.manual_seed(1)
    # Stage 2 has twice the channels of stage 1.
    return [
        torch.randn(2, share * channels // 3, size, size)
        for channels in (loss.student_channels, loss.teacher_channels)
        for share, size in ((1, 48), (2, 24))
    ]


def test_table_1_has_each_kind_of_texture_alone_and_both(losses):
    found = {}
    for name, built in losses(1).items():
        structural = [
            loss.loss_weight for key, loss in built.items() if "structural" in key
        ]
        assert built.loss_response.loss_weight == 5
        assert len(set(structural)) == 1
        found[name] = (structural[0] > 0, built.loss_statistical.loss_weight > 0)
    assert found == TABLE_1


def test_table_2_adds_scale_after_scale(losses):
    built = losses(2)
    assert list(built) == list(TABLE_2)
    student, teacher = torch.randn(1, 16, 64, 64), torch.randn(1, 32, 64, 64)
    values = []
    for name, row in built.items():
        for stage in ("stage1", "stage2"):
            assert row[f"loss_structural_{stage}"].options.levels == TABLE_2[name]
        values.append(row.loss_structural_stage1(student, teacher))
    assert torch.stack(values).unique().numel() == len(TABLE_2)


def test_table_4_sets_sampler_levels_and_denoising(losses):
    found = {}
    for name, built in losses(4).items():
        loss = built.loss_statistical
        found[name] = (
            loss.sampler is None,
            loss.texture.options.placement,
            loss.texture.options.theta,
        )
    assert found == TABLE_4


def test_each_row_of_table_4_has_another_distance(losses):
    built = [row.loss_statistical for row in losses(4).values()]
    gt = torch.randint(3, (2, 1, 192, 192))
    shared = dict(built[0].named_parameters())
    found = []
    for loss in built:
        missing = loss.load_state_dict(shared, strict=False).missing_keys
        assert set(missing) <= {"sampler._extra_state"}
        loss(*stages(loss), gt)
        found.append(loss.parts["texture"])
    found = torch.stack(found)
    assert found.isfinite().all()
    gaps = (found[:, None] - found).abs() + torch.eye(4)
    assert (gaps > 1e-6 * found.max()).all()


def test_the_options_fit_every_config_of_the_method(load):
    options = [row for table in (1, 2, 4) for row in rows(table).values()]
    named = {key.removeprefix(PREFIX).split(".")[0] for row in options for key in row}
    for path in (ROOT / "configs").glob("sstkd_*.py"):
        config = load(path.name)
        assert named <= set(config.model.distiller.distill_losses)
