"""Sizes of the paper's networks (Table 5), and what sets ours apart from them."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import texture_kd.components  # noqa: F401

ROOT = Path(__file__).parents[2]
TAIL = "4xb4-80k_cityscapes-512x512.py"
# Millions of parameters, and 10^9 multiply-accumulates at 512x1024.
PAPER = {
    "PSPNet-R101": (70.43, 574.9),
    "PSPNet-R18": (13.07, 125.8),
    "DeepLabV3-R18": (12.62, 123.9),
    "PSPNet-EfficientNet-B1": (6.70, 9.896),
}


@pytest.fixture
def config(name, load) -> ConfigDict:
    """Return a network's config as it is shipped, to be built without weights."""
    if name == "PSPNet-R101":
        teacher = load("sstkd_pspnet_r101_r18_cityscapes.py").teacher
        # The same network in fewer operations than the paper counts.
        teacher.decode_head.type = "PSPHead"
        return teacher
    stem = name.lower().replace("-", "_", 1) + ("-d8" if "R18" in name else "")
    model = load(f"{stem}_{TAIL}").model
    model.pretrained = None
    return model


def build(config: ConfigDict) -> nn.Module:
    with DefaultScope.overwrite_default_scope("mmseg"):
        return revert_sync_batchnorm(MODELS.build(config)).eval().to("meta")


def count(model: nn.Module, auxiliary: bool) -> tuple[float, float]:
    """Count parameters (10^6) and multiply-accumulates (10^9) of one 512x1024 image."""
    with FlopCounterMode(display=False) as counter:
        features = model.extract_feat(torch.empty(1, 3, 512, 1024, device="meta"))
        model.decode_head(features)
        if auxiliary:
            model.auxiliary_head(features)
    parameters = sum(
        parameter.numel()
        for name, parameter in model.named_parameters()
        if auxiliary or not name.startswith("auxiliary_head")
    )
    return parameters / 1e6, counter.get_total_flops() / 2e9


@pytest.mark.parametrize("name", PAPER)
def test_the_document_has_the_shipped_networks(name, config):
    text = (ROOT / "docs" / "networks.md").read_text()
    row = re.search(rf"^\| {name} \|(.*)\|$", text, re.MULTILINE)[1].split("|")
    *ours, parameters, macs = (float(cell) for cell in row)
    assert (parameters, macs) == PAPER[name]
    assert ours == pytest.approx(count(build(config), False), abs=6e-4)


@pytest.mark.parametrize(("name", "width"), [("PSPNet-R101", 512), ("PSPNet-R18", 128)])
def test_three_differences_are_all_that_sets_pspnet_apart(name, width, config):
    config.backbone.stem_channels = 128
    config.auxiliary_head.channels = width
    model = build(config)
    model.backbone.maxpool.ceil_mode = True
    parameters, macs = count(model, auxiliary=True)
    # Within the paper's digits, of which the last is not always rounded.
    assert parameters == pytest.approx(PAPER[name][0], abs=0.01)
    assert macs == pytest.approx(PAPER[name][1], abs=0.05)
