"""From a config to a student in plain MMSegmentation, by the commands of the README."""

import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

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


def test_mim_trains_converts_and_tests(run, tiny, distilled, tmp_path):
    out = run("mim", "train", "mmrazor", distilled, "--work-dir", tmp_path / "run")
    validated = last_miou(out)
    assert "distill.loss_structural_stage2" in out

    checkpoint = tmp_path / "run" / "iter_6.pth"
    student = tiny(STUDENT)
    straight = run("mim", "test", "mmseg", student, "--checkpoint", checkpoint)
    assert last_miou(straight) == validated

    run(
        sys.executable,
        mmrazor_tool("model_converters/convert_kd_ckpt_to_student.py"),
        checkpoint,
        "--out-path",
        tmp_path,
    )
    extracted = tmp_path / "iter_6_student.pth"
    tested = run("mim", "test", "mmseg", student, "--checkpoint", extracted)
    assert last_miou(tested) == validated
    dist_test = REPOSITORY / "tools" / "dist_test.sh"
    arguments = (distilled, checkpoint, 2, "--work-dir", tmp_path / "tested")
    in_two = run(dist_test, *arguments, PORT=str(20000 + os.getpid() % 20000))
    assert last_miou(in_two) == validated


def test_ds2d2_is_trained_in_two_steps(run, tiny, teacher_ckpt, tmp_path):
    taught = f"model = dict(teacher_ckpt={str(teacher_ckpt)!r})\n"
    amplifier = tiny(AMPLIFIER, taught)
    out = run("mim", "train", "mmseg", amplifier, "--work-dir", tmp_path / "amplifier")
    validated, checkpoint = last_miou(out), tmp_path / "amplifier" / "iter_6.pth"
    tested = run("mim", "test", "mmseg", amplifier, "--checkpoint", checkpoint)
    assert last_miou(tested) == validated

    student = tiny(
        DS2D2,
        f"{taught}model['distiller'] = dict(distill_losses=dict(loss_ds2d2=dict("
        f"amplifiers=dict(high=dict(checkpoint={str(checkpoint)!r})))))\n"
        "_pipeline.append(dict(type='LabelComponents'))\n",
    )
    work_dir = tmp_path / "run"
    out = run("mim", "train", "mmrazor", student, "--work-dir", work_dir)
    assert "distill.part_ds2d2.amplified" in out
    plain = ("mim", "test", "mmseg", tiny(STUDENT), "--checkpoint")
    assert last_miou(run(*plain, work_dir / "iter_6.pth")) == last_miou(out)
    saved = torch.load(work_dir / "iter_6.pth")["state_dict"]
    assert not [name for name in saved if re.search("teacher|amplifier", name)]


def test_mmrazor_draws_the_students_features(run, tmp_path):
    from mmengine.config import Config
    from mmrazor.registry import MODELS
    from PIL import Image

    name = "pspnet_r18-w16-d8_1xb8-900iters_camvid-180x240.py"
    config = REPOSITORY / "configs" / name
    student = MODELS.build(dict(Config.fromfile(config).model, _scope_="mmseg"))
    torch.save(dict(meta={}, state_dict=student.state_dict()), tmp_path / "student.pth")
    Image.effect_noise((240, 180), 60).convert("RGB").save(tmp_path / "image.png")
    run(
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


def test_a_killed_run_resumes_on_the_same_curve(
    run, tiny, teacher_ckpt, logged_values, tmp_path
):
    teacher = f"model = dict(teacher_ckpt={str(teacher_ckpt)!r})\n"
    # The checkpoint that is resumed is written once more within a validation.
    best = (
        "train_cfg['val_interval'] = 4\n"
        "default_hooks['checkpoint'].update(save_best='mIoU')\n"
    )
    distilled = tiny(ADVERSARIAL, teacher + best)
    tool = REPOSITORY / "tools" / "train.py"
    whole = tmp_path / "whole"
    run(sys.executable, tool, distilled, "--work-dir", whole)

    killed = tmp_path / "killed"
    path = os.pathsep.join(map(str, (kill_hook(tmp_path), REPOSITORY)))
    process = subprocess.Popen(
        [sys.executable, tool, distilled, "--work-dir", killed],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=REPOSITORY,
        env=os.environ | dict(KILL_AT="5", PYTHONPATH=path),
    )
    assert process.wait(timeout=300) == -signal.SIGKILL
    assert (killed / "iter_4.pth").exists()
    assert not (killed / "iter_6.pth").exists()

    run(sys.executable, tool, distilled, "--work-dir", killed, "--resume")
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


def kill_hook(folder: Path) -> Path:
    """Write a sitecustomize that kills the process after an iteration."""
    path = folder / "kill"
    path.mkdir()
    (path / "sitecustomize.py").write_text(
        "import os, signal\n"
        "from mmengine.hooks import LoggerHook\n"
        "log = LoggerHook.after_train_iter\n"
        "def after_train_iter(self, runner, *args, **kwargs):\n"
        "    log(self, runner, *args, **kwargs)\n"
        "    if runner.iter + 1 == int(os.environ['KILL_AT']):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "LoggerHook.after_train_iter = after_train_iter\n"
    )
    return path


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


def test_what_is_wrong_is_said_before_training(run, distilled, tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text(
        f"_base_ = [{str(distilled)!r}]\n"
        "train_dataloader = dict(dataset=dict(_delete_=True, type='CamVidDataset', "
        "data_root='absent/', data_prefix=dict(img_path='images/train', "
        "seg_map_path='labels/train')))\n"
    )
    tool = REPOSITORY / "tools" / "train.py"
    out = run(sys.executable, tool, path, "--work-dir", tmp_path / "run", ok=False)
    last = out.strip().splitlines()[-1]
    assert re.search(r"absent/images/train.*camvid\.py", last)
    assert "Iter(train)" not in out


def test_the_demo(run, tmp_path):
    from PIL import Image

    tool = REPOSITORY / "tools" / "demo.py"
    out = run(sys.executable, tool, "--iters", 2, "--work-dir", tmp_path)
    table = (tmp_path / "results.md").read_text()
    assert table in out
    assert "distill.loss_texture" in out
    for network in ("teacher", "student", "distilled"):
        assert re.search(rf"\| {network} \| \d+\.\d+ \| \d+\.\d+ \|", table)
    with Image.open(tmp_path / "comparison.png") as picture:
        assert picture.size[0] > picture.size[1] > 100


def test_a_check_runs_two_iterations_and_leaves_nothing(run, distilled, tmp_path):
    tool = REPOSITORY / "tools" / "train.py"
    command = (sys.executable, tool, distilled, "--check", "--work-dir", tmp_path / "w")
    out = run(*command)
    assert re.search(r"\| distill\.loss_response +\| ResponseKDLoss", out)
    assert not (tmp_path / "w").exists()
    out = run(sys.executable, tool, tmp_path / "absent.py", "--check", ok=False)
    assert "Wrong: reading the config: FileNotFoundError" in out.splitlines()[-1]
    assert "absent.py" in out
