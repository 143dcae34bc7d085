import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import mmcv
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmrazor.registry import MODELS
from PIL import Image

from texture_kd.datasets.mosaic import texture_mosaic
from texture_kd.hooks import PlainStudentHook

pytestmark = pytest.mark.usefixtures("mmsegs_scope")

STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
REPOSITORY = Path(__file__).parents[2]
TOOL = REPOSITORY / "tools" / "analysis" / "show_texture.py"
CONFIG = REPOSITORY / "configs" / f"sstkd_pspnet_r18-w32-d8_{STUDENT}"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Checkpoints of untrained networks, and images."""
    folder = tmp_path_factory.mktemp("files")
    torch.manual_seed(0)
    model = Config.fromfile(CONFIG).model
    with DefaultScope.overwrite_default_scope("mmseg"):
        teacher = MODELS.build(dict(model.teacher, _scope_="mmseg"))
        torch.save(dict(state_dict=teacher.state_dict()), folder / "teacher.pth")
        model.teacher_ckpt = str(folder / "teacher.pth")
        algorithm = MODELS.build(model)
    # So that a student that was not loaded is told from this one.
    for loss in algorithm.distiller.distill_losses.children():
        for weight in loss.parameters():
            torch.nn.init.zeros_(weight)
    checkpoint = dict(state_dict=algorithm.state_dict())
    student = dict(state_dict=algorithm.student.state_dict())
    torch.save(student, folder / "student_alone.pth")
    PlainStudentHook().before_save_checkpoint(SimpleNamespace(), checkpoint)
    torch.save(checkpoint, folder / "student.pth")

    Image.effect_noise((96, 64), 60).convert("RGB").save(folder / "image.png")
    (folder / "text.png").write_text("no image")
    (folder / "empty.png").touch()
    (folder / "broken.pth").write_bytes(b"PK broken")
    Image.new("L", (64, 64), 90).save(folder / "grey.png")
    image = Image.fromarray(texture_mosaic(0, 3, "val").image)
    image.save(folder / "coloured.png")
    (folder / "statistical.py").write_text(statistical_config("_delete_=True"))
    (folder / "both.py").write_text(statistical_config(""))
    return folder


def statistical_config(more):
    """The text of a config with a DTIEMLoss, beside the shipped losses or alone."""
    return f"""
_base_ = {str(CONFIG)!r}
records = {{
    f"{{side}}_{{stage}}": dict(from_student=side == "s", recorder=stage)
    for side in "st" for stage in ("stage1", "stage2")
}}
loss = dict(type="DTIEMLoss", student_channels=48, teacher_channels=96)
loss.update(sampler=dict(scales=(4, 8)))
distiller = dict(
    distill_losses=dict(loss_texture=loss, {more}),
    loss_forward_mappings=dict(loss_texture=records, {more}),
)
model = dict(distiller=distiller, teacher_ckpt=None)
"""


@pytest.fixture
def tool():
    return runpy.run_path(str(TOOL))


@pytest.fixture
def with_config(files):
    """The arguments that make a comparison of what ``files`` holds."""

    def arguments(*more):
        return [
            f"--config={CONFIG}",
            f"--checkpoint={files / 'student.pth'}",
            *map(str, more),
            "--cfg-options",
            f"model.teacher_ckpt={files / 'teacher.pth'}",
        ]

    return arguments


@pytest.fixture
def command(tool, tmp_path, monkeypatch, capsys):
    """Run the tool as a command; return the picture's path."""

    def run(*arguments):
        out = tmp_path / "out.png"
        argv = [TOOL, "-o", out, *arguments]
        monkeypatch.setattr(sys, "argv", list(map(str, argv)))
        tool["main"]()
        assert capsys.readouterr().out.splitlines()[-1] == str(out)
        return out

    return run


@pytest.fixture
def refusal(command, tmp_path, capsys):
    """Run a command that must fail; return the last line that it says."""

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            command(*arguments)
        assert end.value.code == 2
        assert not list(tmp_path.iterdir())
        return capsys.readouterr().err.strip().splitlines()[-1]

    return run


def size(path):
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return picture.size


def test_it_draws_an_image(command, files):
    width, height = size(command(files / "image.png"))
    assert 1000 < height < width < 2500
    fewer = ["--levels", 2, "--pyramid", "9-7", "--directional", "pkva"]
    assert size(command(files / "image.png", *fewer))[1] < height


def test_it_compares_an_image_file(command, with_config, files):
    width, height = size(command(*with_config(files / "image.png")))
    assert 2000 < height < width + 500 < 5000


def test_it_needs_no_trained_student(tmp_path):
    # In a process of its own: loggers outlive the tool.
    out = tmp_path / "no_suffix"
    options = ["--index", "3", "-o", out, "--config", CONFIG]
    result = subprocess.run(
        [sys.executable, TOOL, *options, "--cfg-options", "model.teacher_ckpt=None"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [str(out)]
    assert size(out)


def test_the_student_without_a_checkpoint_is_that_of_the_first_step(tool, monkeypatch):
    monkeypatch.setattr(MMLogger, "_instance_dict", MMLogger._instance_dict.copy())
    config = Config.fromfile(CONFIG)
    config.model.teacher_ckpt = None
    algorithm = tool["build_algorithm"](config, None)
    assert not algorithm.student.training
    # ResNet's initialisation has residual branches begin with zeros.
    assert not algorithm.student.backbone.layer1[0].bn2.weight.any()


def test_the_checkpoint_is_that_of_the_student_and_its_alignment(tool, with_config):
    parser = tool["argument_parser"]()
    args = parser.parse_args(with_config("--index", 3, "--channel", 31))
    figure = tool["features_figure"](args)
    # Its alignment is zero, and so is its feature: each band misses the whole of the
    # teacher's, which costs 1 times the weight, but for bands that are empty.
    titles = [part.get_suptitle().split(" = ") for part in figure.subfigs]
    names = ["loss_structural_stage1", "loss_structural_stage2"]
    assert [name for name, _ in titles] == names
    assert all(1.9 < float(value) <= 2 for _, value in titles)
    (teacher, student) = figure.subfigs[0].axes[:2]
    assert np.ptp(teacher.images[1].get_array()) > 0
    assert not student.images[1].get_array().any()
    assert "channel 31, 32 × 32" in teacher.get_xticklabels()[1].get_text()


def test_a_file_is_prepared_as_the_data_set_prepares_its_images(tool, tmp_path):
    config = tool["read_config"](str(CONFIG), None, False)
    item = tool["from_data_set"](config, 3)
    bgr = item["inputs"].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(bgr, texture_mosaic(0, 3, "val")[0])
    mmcv.imwrite(bgr, str(tmp_path / "image.png"))
    read = tool["from_file"](config, str(tmp_path / "image.png"))
    assert torch.equal(read["inputs"], item["inputs"])

    resize = dict(type="Resize", scale=(48, 48))
    config.test_pipeline.insert(1, resize)
    read = tool["from_file"](config, str(tmp_path / "image.png"))
    assert read["inputs"].shape == (3, 48, 48)


def test_the_input_is_shown_in_its_colours(tool, with_config, tmp_path):
    Image.new("RGB", (64, 64), (200, 100, 0)).save(tmp_path / "orange.png")
    parser = tool["argument_parser"]()
    args = parser.parse_args(with_config(tmp_path / "orange.png"))
    axes = tool["features_figure"](args).subfigs[0].axes[0]
    assert axes.images[0].get_array()[0, 0].tolist() == [200, 100, 0]


def test_it_draws_the_statistics_of_an_image(command, files):
    out = command(files / "coloured.png", "--statistics")
    width, height = size(out)
    assert 1000 < width < height < 2500
    picture = out.read_bytes()
    assert command(files / "coloured.png", "--statistics").read_bytes() == picture


def test_the_statistics_are_those_of_the_image_in_colours(tool, files):
    parser = tool["argument_parser"]()
    args = parser.parse_args([str(files / "coloured.png"), "--statistics"])
    (part, _) = tool["image_statistics"](args).subfigs
    image = np.asarray(Image.open(files / "coloured.png"))
    np.testing.assert_array_equal(part.axes[0].images[0].get_array(), image)
    titles = [axis.get_title("left") for axis in part.axes if axis.lines]
    assert titles[0] == "whole image, 128 × 128"
    assert [title.split(",")[0] for title in titles[1:]] == ["region 1", "region 13"]


def test_it_compares_statistics_and_repeats(command, files):
    options = ["--index", 3, "--statistics", "--config", files / "statistical.py"]
    out = command(*options)
    assert 2000 < size(out)[0] < 2500
    picture = out.read_bytes()
    # Neither the student nor the regions are others where nothing is loaded.
    torch.manual_seed(5)
    assert command(*options).read_bytes() == picture


@pytest.mark.parametrize("flag", [[], ["--statistics"]])
def test_of_a_config_with_both_kinds_one_is_drawn(tool, files, flag):
    parser = tool["argument_parser"]()
    args = parser.parse_args(["--index=3", f"--config={files / 'both.py'}", *flag])
    figure = tool["features_figure"](args)
    titles = [part.get_suptitle().split(" = ")[0] for part in figure.subfigs]
    assert ("loss_texture" in titles) == bool(flag)
    assert ("loss_structural_stage1" in titles) == (not flag)


def test_the_regions_are_those_of_the_checkpoint(tool, files, tmp_path):
    parser = tool["argument_parser"]()
    options = ["--index=3", "--statistics", f"--config={files / 'statistical.py'}"]
    config = tool["read_config"](str(files / "statistical.py"), None, True)
    algorithm = tool["build_algorithm"](config, None)
    sampler = algorithm.distiller.distill_losses.loss_texture.sampler
    found = []
    for seed in (0, 0, 1):
        state = torch.Generator().manual_seed(seed).get_state()
        sampler.set_extra_state(state)
        torch.save(dict(state_dict=algorithm.state_dict()), tmp_path / "seed.pth")
        args = parser.parse_args([*options, f"--checkpoint={tmp_path / 'seed.pth'}"])
        axis = tool["features_figure"](args).subfigs[0].axes[0]
        found.append([box.get_bbox().bounds for box in axis.patches])
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["absent.png"], "No such file or directory: 'absent.png'"),
        (["{files}/text.png"], "text.png is no image"),
        (["{files}/empty.png"], "empty.png is no image"),
        (["{files}/image.png", "--levels", "0"], "--levels: invalid choice: 0"),
        (
            ["{files}/image.png", "--pyramid", "x"],
            "'maxflat', 'burt', 'haar'), got 'x'",
        ),
        (["{files}/image.png", "--channel", "0"], "--channel needs --config"),
        (
            ["{files}/image.png", "--statistics", "--levels", "3"],
            "--levels is for subbands: leave --statistics out",
        ),
        (
            ["--index=3", "--statistics", "--config=x.py", "--channel=0"],
            "--channel is for subbands: leave --statistics out",
        ),
        (
            ["{files}/grey.png", "--statistics"],
            "expected an image of several colours, got shades of one",
        ),
        (["{files}/text.png", "--statistics"], "text.png is no image"),
        (
            ["{files}/image.png", "--config={files}/statistical.py"],
            "statistical.py has no TextureLoss or CDMLoss, so there are no features",
        ),
        (
            ["{files}/image.png", "--config={files}/statistical.py"],
            "--statistics is for a DTIEMLoss",
        ),
        (
            [
                "{files}/image.png",
                "--statistics",
                "--config",
                str(REPOSITORY / "configs" / f"cwd_pspnet_r18-w32-d8_{STUDENT}"),
            ],
            f"cwd_pspnet_r18-w32-d8_{STUDENT} has no DTIEMLoss, so there are no "
            "features to compare: give a distillation config such as configs/sstkd_*",
        ),
        (["--index", "3"], "--index needs --config"),
        ([], "one of the arguments IMAGE --index is required"),
        (
            ["{files}/image.png", "--cfg-options", "a=1"],
            "--cfg-options needs --config",
        ),
        (
            ["{files}/image.png", "--config", str(CONFIG), "--levels", "3"],
            "--levels is for an image alone",
        ),
        (
            ["{files}/image.png", "--config", "absent.py"],
            "No such file or directory: 'absent.py'",
        ),
        (
            [
                "{files}/image.png",
                "--config",
                str(REPOSITORY / "configs" / f"cwd_pspnet_r18-w32-d8_{STUDENT}"),
            ],
            f"cwd_pspnet_r18-w32-d8_{STUDENT} has no TextureLoss or CDMLoss",
        ),
        (
            [
                "{files}/image.png",
                "--config",
                str(REPOSITORY / "configs" / STUDENT),
            ],
            f"{STUDENT} has no TextureLoss or CDMLoss",
        ),
    ],
)
def test_slips_are_named(refusal, files, arguments, sentence):
    message = refusal(*(argument.format(files=files) for argument in arguments))
    assert sentence in message


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--index", "100"],
            "no image 100 in the validation data set, which has 0 to 99",
        ),
        (["--index", "-1"], "no image -1 in"),
        (["--index", "0", "--channel", "32"], "no channel 32, the teacher has 0 to 31"),
        (["--index", "0", "--checkpoint", "absent.pth"], "absent.pth can not be found"),
        (
            ["--index", "0", "--checkpoint", "{files}/broken.pth"],
            "broken.pth cannot be loaded",
        ),
        (
            ["--index", "0", "--checkpoint", "{files}/student_alone.pth"],
            "missing keys in source state_dict: distiller.distill_losses."
            "loss_structural_stage1.align.weight",
        ),
        (
            ["--index", "0", "--checkpoint", "{files}/teacher.pth"],
            "teacher.pth cannot be loaded, give one that training with this very "
            "config wrote: ",
        ),
    ],
)
def test_slips_in_a_comparison_are_named(
    refusal, with_config, files, arguments, sentence
):
    more = [argument.format(files=files) for argument in arguments]
    assert sentence in refusal(*with_config(*more))


def test_a_missing_teacher_is_named(refusal, files):
    absent = ["--cfg-options", "model.teacher_ckpt=absent.pth"]
    message = refusal(files / "image.png", f"--config={CONFIG}", *absent)
    assert "The teacher checkpoint: absent.pth can not be found. Train" in message
    assert "--cfg-options model.teacher_ckpt=FILE" in message
