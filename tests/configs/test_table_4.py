"""The README's rows of the paper's Table 4 are what they are said to be."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmrazor.registry import MODELS

import texture_kd.components  # noqa: F401

ROOT = Path(__file__).parents[2]
STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
CONFIG = ROOT / "configs" / f"sstkd_pspnet_r18-w32-d8_{STUDENT}"
SENTENCE = "The rows of the paper's Table 4 are options of `DTIEMLoss`"
PREFIX = "model.distiller.distill_losses.loss_statistical."
EXPECTED = {
    "global": (True, "uniform", 1),
    "+ adaptive sampling": (False, "uniform", 1),
    "+ heuristic levels": (False, "heuristic", 1),
    "+ denoising": (False, "heuristic", 0.9),
}


def value(text):
    return float(text) if re.fullmatch(r"[\d.]+", text) else text


def rows():
    """Options of each row by its name, as the README has them."""
    text = (ROOT / "README.md").read_text()
    assert text.count(SENTENCE) == 1
    table = re.search(r"(?:^\|.*\n)+", text.split(SENTENCE)[1], re.MULTILINE)
    found = {}
    for line in table[0].splitlines()[2:]:
        name, options = (cell.strip() for cell in line.strip("|").split("|"))
        pairs = re.findall(r"`([\w.]+)=(\S+?)`", options)
        found[name] = {PREFIX + key: value(text) for key, text in pairs}
    return found


def configured(options):
    config = Config.fromfile(CONFIG)
    config.model.teacher_ckpt = None
    config.merge_from_dict(options)
    return config


@pytest.fixture
def losses():
    """The statistical term of each row, with the same weights and seed."""
    built = {}
    for name, options in rows().items():
        config = configured({**options, PREFIX + "seed": 0})
        with DefaultScope.overwrite_default_scope("mmrazor"):
            torch.manual_seed(0)
            model = MODELS.build(config.model)
        built[name] = model.distiller.distill_losses.loss_statistical
    first = built["global"]
    shared = dict(first.named_parameters())
    for loss in built.values():
        missing = loss.load_state_dict(shared, strict=False).missing_keys
        assert set(missing) <= {"sampler._extra_state"}
    return built


def test_the_rows_set_sampler_levels_and_denoising(losses):
    found = {
        name: (loss.sampler is None, loss.histogram.placement, loss.histogram.theta)
        for name, loss in losses.items()
    }
    assert found == EXPECTED


def test_each_row_has_another_distance(losses):
    torch.manual_seed(1)
    loss = losses["global"]
    stages = []
    for channels in (loss.student_channels, loss.teacher_channels):
        # Stage 2 has twice the channels of stage 1.
        for width, size in ((channels // 3, 48), (2 * channels // 3, 24)):
            stages.append(torch.randn(2, width, size, size))
    gt = torch.randint(3, (2, 1, 192, 192))
    found = []
    for loss in losses.values():
        loss(*stages, gt)
        found.append(loss.parts["texture"])
    found = torch.stack(found)
    assert found.isfinite().all()
    gaps = (found[:, None] - found).abs() + torch.eye(4)
    assert (gaps > 1e-6 * found.max()).all()
