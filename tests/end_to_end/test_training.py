"""From a config to a student in plain MMSegmentation, by the commands of the README."""

import importlib
import math
import os
import re
import signal
import sys
from pathlib import Path

import pytest
import torch
import warm

from texture_kd.compat.launch import mmrazor_tool

REPOSITORY = Path(__file__).parents[2]
TEACHER = "pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py"
STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
DISTILLED = f"sstkd_pspnet_r18-w32-d8_{STUDENT}"
AMPLIFIER = f"ds2d2-amplifier_{TEACHER}"
DS2D2 = f"ds2d2_pspnet_r18-w32-d8_{STUDENT}"
ADVERSARIAL = f"sstkd-adversarial_pspnet_r18-w32-d8_{STUDENT}"


@pytest.fixture
def teacher_ckpt(tmp_path):
    """An untrained teacher: what matters here is that it is loaded and frozen."""
    from mmengine.config import Config
    from mmrazor.registry import MODELS

    torch.manual_seed(0)
    config = Config.fromfile(REPOSITORY / "configs" / TEACHER)
    path = tmp_path / "teacher.pth"
    torch.save(dict(state_dict=MODELS.build(config.model).state_dict()), path)
    return path


@pytest.fixture
def distilled(tiny, teacher_ckpt):
    return tiny(DISTILLED, f"model = dict(teacher_ckpt={str(teacher_ckpt)!r})\n")


def last_miou(output: str) -> float:
    return float(re.findall(r"mIoU: ([\d.]+)", output)[-1])


def test_mim_trains_converts_and_tests(
    run, run_warm, run_launcher, tiny, distilled, tmp_path
):
    out = run("mim", "train", "mmrazor", distilled, "--work-dir", tmp_path / "run")
    validated = last_miou(out)
    assert "distill.loss_structural_stage2" in out

    checkpoint = tmp_path / "run" / "iter_6.pth"
    student = tiny(STUDENT)
    straight = run("mim", "test", "mmseg", student, "--checkpoint", checkpoint)
    assert last_miou(straight) == validated

    run_warm(
        sys.executable,
        mmrazor_tool("model_converters/convert_kd_ckpt_to_student.py"),
        checkpoint,
        "--out-path",
        tmp_path,
    )
    extracted = tmp_path / "iter_6_student.pth"
    tested = run_warm("mim", "test", "mmseg", student, "--checkpoint", extracted)
    assert last_miou(tested) == validated
    dist_test = REPOSITORY / "tools" / "dist_test.sh"
    arguments = (distilled, checkpoint, 2, "--work-dir", tmp_path / "tested")
    assert last_miou(run_launcher(dist_test, *arguments)) == validated


def test_ds2d2_is_trained_in_two_steps(run_warm, tiny, teacher_ckpt, tmp_path):
    taught = f"model = dict(teacher_ckpt={str(teacher_ckpt)!r})\n"
    amplifier = tiny(AMPLIFIER, taught)
    work_dir = tmp_path / "amplifier"
    out = run_warm("mim", "train", "mmseg", amplifier, "--work-dir", work_dir)
    validated, checkpoint = last_miou(out), work_dir / "iter_6.pth"
    tested = run_warm("mim", "test", "mmseg", amplifier, "--checkpoint", checkpoint)
    assert last_miou(tested) == validated

    student = tiny(
        DS2D2,
        f"{taught}model['distiller'] = dict(distill_losses=dict(loss_ds2d2=dict("
        f"amplifiers=dict(high=dict(checkpoint={str(checkpoint)!r})))))\n"
        "_pipeline.append(dict(type='LabelComponents'))\n",
    )
    work_dir = tmp_path / "run"
    out = run_warm("mim", "train", "mmrazor", student, "--work-dir", work_dir)
    assert "distill.part_ds2d2.amplified" in out
    plain = ("mim", "test", "mmseg", tiny(STUDENT), "--checkpoint")
    assert last_miou(run_warm(*plain, work_dir / "iter_6.pth")) == last_miou(out)
    saved = torch.load(work_dir / "iter_6.pth")["state_dict"]
    assert not [name for name in saved if re.search("teacher|amplifier", name)]


def test_mmrazor_draws_the_students_features(run_warm, tmp_path):
    from mmengine.config import Config
    from mmrazor.registry import MODELS
    from PIL import Image

    name = "pspnet_r18-w16-d8_1xb8-900iters_camvid-180x240.py"
    config = REPOSITORY / "configs" / name
    student = MODELS.build(dict(Config.fromfile(config).model, _scope_="mmseg"))
    torch.save(dict(meta={}, state_dict=student.state_dict()), tmp_path / "student.pth")
    Image.effect_noise((240, 180), 60).convert("RGB").save(tmp_path / "image.png")
    run_warm(
        sys.executable,
        mmrazor_tool("visualizations/feature_visualization.py"),
        tmp_path / "image.png",
        config,
        mmrazor_tool("visualizations/vis_configs/backbone_feature_visualization.py"),
        tmp_path / "student.pth",
        "--repo=mmseg",
        "--overlaid",
        "--channel-reduction=pixel_wise_max",
        f"--out-file={tmp_path / 'features.png'}",
    )
    with Image.open(tmp_path / "features.png") as drawn:
        assert drawn.size == (240, 180)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="--amp needs a GPU")
def test_amp_with_a_critic(run, tiny, teacher_ckpt, tmp_path, logged_values):
    extra = f"model = dict(teacher_ckpt={str(teacher_ckpt)!r})\n"
    config, work_dir = tiny(ADVERSARIAL, extra), tmp_path / "run"
    run("mim", "train", "mmrazor", config, "--work-dir", work_dir, "--amp")
    assert (work_dir / "iter_6.pth").exists()
    losses = logged_values(work_dir)
    assert all(math.isfinite(loss) for loss in losses.values())


# Kills the process after an iteration.
KILLER = """
import os, signal
from mmengine.hooks import LoggerHook

log = LoggerHook.after_train_iter

def after_train_iter(self, runner, *args, **kwargs):
    log(self, runner, *args, **kwargs)
    if runner.iter + 1 == int(os.environ.get("KILL_AT", 0)):
        os.kill(os.getpid(), signal.SIGKILL)

LoggerHook.after_train_iter = after_train_iter
"""


def test_a_killed_run_resumes_on_the_same_curve(
    run_warm, tiny, teacher_ckpt, logged_values, tmp_path
):
    # The checkpoint that is resumed is written once more within a validation.
    distilled = tiny(
        ADVERSARIAL,
        f"model = dict(teacher_ckpt={str(teacher_ckpt)!r})\n"
        "train_cfg['val_interval'] = 4\n"
        "default_hooks['checkpoint'].update(save_best='mIoU')\n"
        "custom_imports = dict(imports=['texture_kd.components', 'killer'])\n",
    )
    (tmp_path / "killer.py").write_text(KILLER)
    path = dict(PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    command = (sys.executable, REPOSITORY / "tools" / "train.py", distilled)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run_warm(*command, "--work-dir", whole, **path)
    log = tmp_path / "log.txt"
    env = os.environ | path | dict(KILL_AT="5")
    process = warm.start([*command, "--work-dir", killed], log, log, env=env)
    process.join(600)
    assert process.exitcode == -signal.SIGKILL
    assert (killed / "iter_4.pth").exists()
    assert not (killed / "iter_6.pth").exists()

    run_warm(*command, "--work-dir", killed, "--resume", **path)
    for key in (
        "loss",
        "student.decode.loss_ce",
        "distill.loss_statistical",
        "distill.loss_response",
        "distill.part_adversarial.distance",
    ):
        wanted, got = logged_values(whole, key), logged_values(killed, key)
        assert sorted(wanted) == sorted(got) == [1, 2, 3, 4, 5, 6]
        assert got == wanted


def test_mim_finds_configs_and_tools_of_texture_kd(run, tmp_path):
    out = run(
        "mim",
        "train",
        "texture_kd",
        "edsr_student.py",
        "--work-dir",
        tmp_path / "run",
        "--cfg-options",
        "train_cfg.max_iters=1",
        "train_dataloader.batch_size=2",
        "train_dataloader.num_workers=0",
        "train_dataloader.persistent_workers=False",
        "val_dataloader.dataset.length=1",
    )
    assert "PSNR" in out


def test_what_is_wrong_is_said_before_training(run_warm, distilled, tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text(
        f"_base_ = [{str(distilled)!r}]\n"
        "train_dataloader = dict(dataset=dict(_delete_=True, type='CamVidDataset', "
        "data_root='absent/', data_prefix=dict(img_path='images/train', "
        "seg_map_path='labels/train')))\n"
    )
    tool = REPOSITORY / "tools" / "train.py"
    command = (sys.executable, tool, path, "--work-dir", tmp_path / "run")
    out = run_warm(*command, ok=False)
    last = out.strip().splitlines()[-1]
    assert re.search(r"absent/images/train.*camvid\.py", last)
    assert "Iter(train)" not in out


def test_the_demo(mmsegs_scope, monkeypatch, capsys, tmp_path):
    from PIL import Image

    trained = []

    def run_and_keep(command, **kwargs):
        few = [f"{x}_dataloader.dataset.length=8" for x in ("train", "val")]
        trained.append(warm.run([*command, *few], **kwargs))

    monkeypatch.syspath_prepend(REPOSITORY / "tools")
    monkeypatch.setattr("subprocess.run", run_and_keep)
    options = ["--iters", "2", "--work-dir", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["demo.py", *options])
    importlib.import_module("demo").main()
    table = (tmp_path / "results.md").read_text()
    assert table in capsys.readouterr().out
    out = trained[-1].stdout
    assert "distill.loss_texture" in out
    for network in ("teacher", "student", "distilled"):
        assert re.search(rf"\| {network} \| \d+\.\d+ \| \d+\.\d+ \|", table)
    with Image.open(tmp_path / "comparison.png") as picture:
        assert picture.size[0] > picture.size[1] > 100


def test_a_check_runs_two_iterations_and_leaves_nothing(run_warm, distilled, tmp_path):
    tool = REPOSITORY / "tools" / "train.py"
    command = (sys.executable, tool, distilled, "--check", "--work-dir", tmp_path / "w")
    out = run_warm(*command)
    assert re.search(r"\| distill\.loss_response +\| ResponseKDLoss", out)
    assert not (tmp_path / "w").exists()
    absent = (sys.executable, tool, tmp_path / "absent.py", "--check")
    out = run_warm(*absent, ok=False)
    assert "Wrong: reading the config: FileNotFoundError" in out.splitlines()[-1]
    assert "absent.py" in out
