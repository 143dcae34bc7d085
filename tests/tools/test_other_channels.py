"""Tools of networks whose images have one or four channels.

The networks do what one of three channels does: the weights of the fourth are zero, and
those of grey are the sums of all. The pictures are grey, and something beside.
"""

import csv
import runpy
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
import warm
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from PIL import Image

import texture_kd.components  # noqa: F401
from texture_kd.pruning import prunable_convolutions, zero_filters

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tools"
STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
ADVERSARIAL = f"sstkd-adversarial_pspnet_r18-w32-d8_{STUDENT}"
OTHER_LOSSES = (
    "loss_structural_stage1",
    "loss_structural_stage2",
    "loss_statistical",
    "loss_response",
)
KINDS = {1: "grayscale", 3: "color", 4: "unchanged"}
SIZE = (64, 96)
CONFIG = """
_base_ = "{base}"
_prepare = dict(
    _delete_=True,
    type="SegDataPreProcessor",
    mean={mean},
    std={std},
    size={size},
)
model = dict(
    data_preprocessor=_prepare,
    pretrained=None,
    backbone=dict(in_channels={channels}),
)
test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        _delete_=True,
        type="BaseSegDataset",
        data_root="{root}",
        data_prefix=dict(img_path="images", seg_map_path="labels"),
        img_suffix=".png",
        metainfo=dict(classes={classes}),
        pipeline=[
            dict(type="LoadImageFromFile", color_type="{kind}"),
            dict(type="LoadAnnotations"),
            dict(type="PackSegInputs"),
        ],
    ),
)
"""


def report(*arguments: object) -> None:
    """Run the tool in a process of its own, since runners leave things behind."""
    tool = TOOLS / "analysis" / "spectral_report.py"
    result = warm.run(
        [sys.executable, tool, *arguments, "--grids", 5, "--probes", 1],
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Write configs and checkpoints of networks that do the same, and pictures."""
    root = tmp_path_factory.mktemp("channels")
    rng = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (root / folder).mkdir()
    for name in "ab":
        labels = rng.integers(3, size=(8, 12), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        grey = labels * 50 + rng.integers(50, size=SIZE, dtype=np.uint8)
        other = rng.integers(256, size=SIZE, dtype=np.uint8)
        pixels = np.stack([grey] * 3 + [other], -1)
        Image.fromarray(pixels, "RGBA").save(root / "images" / f"{name}.png")
        Image.fromarray(labels).save(root / "labels" / f"{name}.png")
    torch.manual_seed(0)
    state, paths = None, {}
    for channels in (3, 1, 4):
        config = root / f"{channels}.py"
        mean, std = [100.0] * channels, [60.0] * channels
        config.write_text(
            CONFIG.format(
                base=ROOT / "configs" / STUDENT,
                classes=tuple("abcdefghijkl"),
                kind=KINDS[channels],
                **dict(channels=channels, mean=mean, std=std, root=root, size=SIZE),
            )
        )
        with DefaultScope.overwrite_default_scope("mmseg"):
            network = MODELS.build(Config.fromfile(config).model)
        if state is None:
            for name, rate in prunable_convolutions(network, 0.4, 0.2).items():
                zero_filters(network.get_submodule(name), rate)
            state = network.state_dict()
        first = state["backbone.stem.0.weight"]
        changed = {
            1: first.sum(1, keepdim=True),
            3: first,
            4: torch.cat([first, 0 * first[:, :1]], 1),
        }
        weights = {**state, "backbone.stem.0.weight": changed[channels]}
        checkpoint = root / f"{channels}.pth"
        torch.save(dict(meta={}, state_dict=weights), checkpoint)
        paths[channels] = config, checkpoint
    return paths


def counts(config: Path) -> dict[str, list[int]]:
    tool = runpy.run_path(str(TOOLS / "analysis" / "get_flops.py"))
    model = tool["build"](str(config), {})
    return {name: numbers for name, *numbers in tool["count_parts"](model, SIZE)}


def test_costs_differ_by_the_first_layer_alone(networks):
    found = {
        channels: counts(path)["network"] for channels, (path, _) in networks.items()
    }
    # Eight filters of 3x3, at half the size.
    weights, pixels = 8 * 9, SIZE[0] * SIZE[1] // 4
    parameters, macs = found[3]
    for channels in (1, 4):
        more = (channels - 3) * weights
        assert found[channels] == [parameters + more, macs + more * pixels]


def test_a_distillation_with_a_critic_is_counted(tmp_path):
    found = {}
    for channels in (1, 3, 4):
        prepare = dict(mean=[1.0] * channels, std=[1.0] * channels)
        network = dict(data_preprocessor=prepare, backbone=dict(in_channels=channels))
        config = tmp_path / f"{channels}.py"
        config.write_text(
            f"_base_ = {str(ROOT / 'configs' / ADVERSARIAL)!r}\n"
            f"data_preprocessor = {prepare}\n"
            f"model = dict(architecture={network}, teacher={network}, distiller=dict("
            f"distill_losses={dict.fromkeys(OTHER_LOSSES)}))\n"
        )
        found[channels] = counts(config)
    pixels = SIZE[0] * SIZE[1] // 4
    # Weights of each additional channel.
    more = dict(teacher=16 * 9, student=8 * 9, loss_adversarial=64 * 9)
    for channels in (1, 4):
        assert found[channels].keys() == more.keys()
        for name, weights in more.items():
            parameters, macs = found[3][name]
            added = (channels - 3) * weights
            assert found[channels][name][0] == parameters + added
            if name != "loss_adversarial":
                assert found[channels][name][1] == macs + added * pixels
            else:
                assert (found[channels][name][1] - macs) * (channels - 3) > 0


def test_a_report_is_that_of_the_network_of_three_channels(networks, tmp_path):
    curves, grids = {}, {}
    for channels, paths in networks.items():
        out = tmp_path / str(channels)
        report(*paths, "--out", out)
        curves[channels], grids[channels] = (
            list(csv.DictReader((out / f"{name}.csv").read_text().splitlines()))
            for name in ("curves", "grids")
        )
    for channels in (1, 4):
        for found, expected in zip(curves[channels], curves[3], strict=True):
            for key, value in expected.items():
                close = pytest.approx(float(value), rel=1e-3, abs=1e-4, nan_ok=True)
                assert float(found[key]) == close
        for found, expected in zip(grids[channels], grids[3], strict=True):
            assert found["miou"] == expected["miou"]
            fewer = float(found["gflops"]) < float(expected["gflops"])
            assert fewer == (channels < 3)


def test_filters_are_removed(networks, tmp_path):
    tool = runpy.run_path(str(TOOLS / "remove_filters.py"))
    rows, kept = {}, {}
    for channels, (config, checkpoint) in networks.items():
        out = tmp_path / f"{channels}.pth"
        args = Namespace(
            config=str(config),
            checkpoint=str(checkpoint),
            out=out,
            shape=SIZE,
            cfg_options={},
        )
        rows[channels] = tool["remove"](args)
        first = torch.load(out)["state_dict"]["backbone.stem.0.weight"]
        kept[channels] = len(first)
        assert first.shape[1] == channels
    assert set(kept.values()) == {kept[3]}
    pixels = SIZE[0] * SIZE[1] // 4
    for channels in (1, 4):
        pairs = zip(rows[channels], rows[3], (8, kept[3]), strict=True)
        for (_, *found), (_, parameters, macs), filters in pairs:
            more = (channels - 3) * filters * 9
            assert found == [parameters + more, macs + more * pixels]
    (_, whole, _), (_, smaller, _) = rows[3]
    assert smaller < 0.8 * whole
