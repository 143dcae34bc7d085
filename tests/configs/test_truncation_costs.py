"""Operations of the spectral analysis' network (Table 2), by MMEngine's counter."""

import pytest
import torch
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS

import texture_kd.components  # noqa: F401
from texture_kd.analysis.operations import count_gflops

NAME = "deeplabv3plus_r101-d32{}_1xb8-132k_voc12aug-513x513.py"
# 10^9 operations at 513x513, two a multiply-accumulate.
PAPER = {129: 139, 65: 107, 33: 98}


def build(load, grid):
    config = load(NAME.format("" if grid is None else "-grid65")).model
    config.pretrained = None
    if grid is not None:
        config.decode_head.grid = grid
    with DefaultScope.overwrite_default_scope("mmseg"):
        return revert_sync_batchnorm(MODELS.build(config)).eval()


def gflops(model):
    with torch.no_grad():
        return count_gflops(model, (513, 513))


@pytest.mark.parametrize("grid", PAPER)
def test_the_papers_operations(grid, load):
    # 129 x 129 is the size of the features as they are.
    model = build(load, None if grid == 129 else grid)
    assert gflops(model) == pytest.approx(PAPER[grid], rel=0.01)


def test_the_papers_parameters(load):
    model = build(load, None)
    head = model.decode_head
    decoder = [head.c1_bottleneck, head.decoder, head.conv_seg]
    count = sum(p.numel() for part in decoder for p in part.parameters()) / 1e6
    assert count == pytest.approx(1.3, abs=0.05)
    # The paper's 60.1 M count the classifier of ImageNet in.
    classifier = 2048 * 1000 + 1000
    whole = sum(p.numel() for p in model.parameters()) + classifier
    assert whole / 1e6 - count == pytest.approx(60.1, abs=0.05)
