import math
import runpy
import sys
from pathlib import Path

import pytest
import torch
import warm
from mmengine.analysis import get_model_complexity_info

from texture_kd.losses.adversarial import AdversarialLoss

STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "analysis" / "get_flops.py"
CONFIG = ROOT / "configs" / f"sstkd_pspnet_r18-w32-d8_{STUDENT}"


@pytest.fixture(scope="module")
def tool():
    return runpy.run_path(str(TOOL))


@pytest.fixture(scope="module")
def model(tool):
    return tool["build"](str(CONFIG), {})


def test_networks_are_counted_as_deployed(tool, model):
    counts = {name: rest for name, *rest in tool["count_parts"](model, (64, 96))}
    for name, network in (("teacher", model.teacher), ("student", model.student)):
        parameters, macs = counts[name]
        whole = get_model_complexity_info(network, (3, 64, 96), show_table=False)
        auxiliary = sum(p.numel() for p in network.auxiliary_head.parameters())
        assert parameters == whole["params"] - auxiliary
        # MMEngine's count has normalisation and resizing in it, too.
        assert 0.97 * whole["flops"] < macs <= whole["flops"]


def test_structural_losses_are_transforms_and_mixtures_of_channels(tool, model):
    counts = {name: rest for name, *rest in tool["count_parts"](model, (64, 96))}
    parameters, macs = counts["loss_structural_stage1"]
    assert parameters == 16 * 32
    pixels, reals = 16 * 24, 2 * 16 * (24 // 2 + 1)
    transforms = (16 + 32) * 2.5 * pixels * math.log2(pixels) / 2
    # Squares and products of each channel, in 24 bands beside the whole.
    sums = 3 * 32 * reals * (16 + 8 + 1)
    assert macs == pytest.approx(transforms + 16 * 32 * reals + sums, abs=2)


def test_the_gradient_inside_the_adversarial_loss_counts(tool):
    loss = AdversarialLoss(num_classes=4)
    maps, image = torch.randn(2, 1, 4, 32, 32), torch.randn(1, 3, 64, 64)
    with torch.no_grad(), tool["total_counter"]() as counter:
        loss.critic(maps[0].softmax(1), image[..., ::2, ::2])
        once = counter.get_total_flops()
        loss(*maps, image)
        whole = counter.get_total_flops() - once
    # Three maps forward, and the slope at one of them: a convolution's gradient costs
    # what the convolution does, and attention's more.
    assert 4 * once <= whole < 5 * once


def test_prints_a_table():
    result = warm.run(
        [sys.executable, TOOL, CONFIG, "--shape", "64", "64"],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = result.stdout.strip().splitlines()[-8:]
    assert [line.split("|")[1].strip() for line in lines] == [
        "part",
        "---",
        "teacher",
        "student",
        "loss_structural_stage1",
        "loss_structural_stage2",
        "loss_statistical",
        "loss_response",
    ]


def test_losses_that_need_components_and_amplifiers_are_counted(tool):
    config = ROOT / "configs" / f"ds2d2_pspnet_r18-w32-d8_{STUDENT}"
    name = "model.distiller.distill_losses.loss_ds2d2.amplifiers"
    counted = {
        key: {
            part: rest
            for part, *rest in tool["count_parts"](
                tool["build"](str(config), options), (64, 96)
            )
        }
        for key, options in (("all", {}), ("none", {name: None}))
    }
    (parameters, macs), (same, fewer) = (
        counted[key]["loss_ds2d2"] for key in ("all", "none")
    )
    # The teacher's own head has no parameters beside the teacher's, and is run.
    assert macs > fewer > 0
    assert parameters == same > 0


def test_a_network_alone_is_the_student(tool, model):
    network = tool["build"](str(ROOT / "configs" / STUDENT), {})
    (name, *counts), *others = tool["count_parts"](network, (64, 96))
    assert (name, others) == ("network", [])
    student = {name: rest for name, *rest in tool["count_parts"](model, (64, 96))}
    assert counts == student["student"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", r"config.py has no model"),
        ("model = None", r"config.py has no model"),
        (
            "model = dict(type='SingleTeacherDistill', teacher=dict())",
            r"config.py.*TextureDistill",
        ),
        (
            "model = dict(type='SelfDistill', distiller={})",
            r"config.py.*TextureDistill",
        ),
        ("model = dict(type='EncoderDecodr')", r"'EncoderDecodr'; did you mean Enco"),
        (
            f"_base_ = {str(ROOT / 'configs/super_resolution/edsr_student.py')!r}",
            r"is no segmentor",
        ),
    ],
)
def test_what_is_neither_is_refused(tool, tmp_path, text, message):
    config = tmp_path / "config.py"
    config.write_text(text)
    with pytest.raises(ValueError, match=message):
        tool["build"](str(config), {})
