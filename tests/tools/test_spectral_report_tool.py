"""The report of a config and a checkpoint, as a user asks for it."""

import csv
import sys
from pathlib import Path

import pytest
import torch
import warm
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS

import texture_kd.components  # noqa: F401
from texture_kd.datasets import TextureMosaicDataset

REPOSITORY = Path(__file__).parents[2]
TOOL = REPOSITORY / "tools" / "analysis" / "spectral_report.py"
NAME = "pspnet_r18-w16-d8{}_1xb8-400iters_mosaic-128x128.py"
FEW = ("test_dataloader.dataset.length=3", "test_dataloader.num_workers=0")
FEW = (*FEW, "test_dataloader.persistent_workers=False")


@pytest.fixture
def checkpoint(tmp_path):
    config = Config.fromfile(REPOSITORY / "configs" / NAME.format(""))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build(config.model)
    path = tmp_path / "network.pth"
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


def report(config, checkpoint, *arguments, options=(), ok=True):
    command = [sys.executable, "-W", "ignore", TOOL, config, checkpoint, *arguments]
    result = warm.run(
        [str(part) for part in (*command, "--cfg-options", *FEW, *options)],
        capture_output=True,
        text=True,
        cwd=checkpoint.parent,
        check=False,
    )
    assert (result.returncode == 0) == ok, result.stderr[-4000:]
    return result.stdout if ok else result.stderr


@pytest.mark.parametrize(("suffix", "sizes"), [("", [16, 8, 4]), ("-half", [8, 4, 2])])
def test_a_report(checkpoint, tmp_path, suffix, sizes):
    config = REPOSITORY / "configs" / NAME.format(suffix)
    out = tmp_path / "report"
    said = report(config, checkpoint, "--out", out)
    assert said.splitlines()[-1] == str(out / "report.md")
    assert "3 images of 128 x 128" in (out / "report.md").read_text()
    rows = list(csv.DictReader((out / "grids.csv").read_text().splitlines()))
    assert [(int(row["height"]), int(row["width"])) for row in rows] == [
        (n, n) for n in sizes
    ]
    gflops = [float(row["gflops"]) for row in rows]
    assert gflops == sorted(gflops, reverse=True)
    assert len((out / "curves.csv").read_text().splitlines()) == 1 + 65
    assert (out / "spectrum.png").read_bytes()[:4] == b"\x89PNG"


BINARY = """
_base_ = "{base}"
model = dict(
    decode_head=dict(
        num_classes=2,
        out_channels=1,
        threshold=0.3,
        loss_decode=dict(use_sigmoid=True),
    ),
    auxiliary_head=None,
)
test_dataloader = dict(dataset=dict(metainfo=dict(classes={classes})))
"""


def test_a_head_of_one_channel(tmp_path):
    path = tmp_path / "binary.py"
    base = REPOSITORY / "configs" / NAME.format("")
    classes = TextureMosaicDataset.METAINFO["classes"][6:8]
    path.write_text(BINARY.format(base=base, classes=classes))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build(Config.fromfile(path).model)
    checkpoint = tmp_path / "network.pth"
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    out = tmp_path / "report"
    report(path, checkpoint, "--out", out, "--grids", "5", "--probes", "1")
    rows = list(csv.DictReader((out / "grids.csv").read_text().splitlines()))
    assert [row["height"] for row in rows] == ["16", "5"]
    assert all(0 < float(row["miou"]) < 100 for row in rows)


def test_in_windows_a_grid_holds_more_periods_an_image(checkpoint, tmp_path):
    config, out = REPOSITORY / "configs" / NAME.format(""), tmp_path / "report"
    window = ("crop_size=(64,64)", "stride=(64,64)", "mode=slide")
    slide = [f"model.test_cfg.{option}" for option in window]
    report(config, checkpoint, "--out", out, "--grids", "5", options=slide)
    own, smaller = csv.DictReader((out / "grids.csv").read_text().splitlines())
    # Features of 8 x 8 in a window of 64, of an image of 128.
    assert (own["height"], own["limit"]) == ("8", "6")
    assert (smaller["height"], smaller["limit"]) == ("5", "4")


def test_what_does_not_fit_is_named(checkpoint):
    config = REPOSITORY / "configs" / NAME.format("")
    distilled = f"sstkd_pspnet_r18-w32-d8_{NAME.format('')}"
    broken = checkpoint.with_name("broken.pth")
    broken.write_bytes(checkpoint.read_bytes()[:999])
    assert "a broken one" in report(config, broken, ok=False)
    for path, options, message in [
        (config, ("--grids", "99"), "(99, 99) of SpectralTruncationHead is larger"),
        (config, ("--layer", "decode_head.aspp"), "no layer 'decode_head.aspp'"),
        (config, ("--tolerance", "0"), "takes a share above 0"),
        (REPOSITORY / "configs" / distilled, (), "no config of a segmentor alone"),
    ]:
        assert message in report(path, checkpoint, *options, ok=False)
