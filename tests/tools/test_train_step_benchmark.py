"""The benchmark of whole training steps."""

import csv
import sys
from types import SimpleNamespace

import pytest
import torch
from mmengine.model import revert_sync_batchnorm
from torch import nn
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

CPU = torch.device("cpu")


def event(name, start, end, number=-1, thread=1, device_time=0.0, device="CPU"):
    """Make what the profiler has for an operation."""
    times = SimpleNamespace(start=start, end=end, elapsed_us=lambda: end - start)
    return SimpleNamespace(
        name=name,
        device_type=getattr(DeviceType, device),
        time_range=times,
        thread=thread,
        sequence_nr=number,
        cpu_time_total=end - start,
        device_time_total=device_time,
    )


BACKWARD = "autograd::engine::evaluate_function: "
EVENTS = [
    event("the step", 0, 20000),
    event("teacher", 1000, 4000, device_time=30.0),
    event("aten::conv2d", 1000, 2000, number=3),
    event("student", 4000, 9000, device_time=10.0),
    event("aten::mm", 4000, 5000, number=3),
    event("aten::relu", 5000, 6000, number=4),
    event("loss", 9000, 10000, device_time=5.0),
    # A gradient inside the forward pass, by the thread of the device.
    event(BACKWARD + "MulBackward0", 9000, 9050, number=4, thread=2),
    event("aten::detach", 9050, 9100, number=5),
    # Of the whole training, between the parts.
    event("aten::add", 10000, 10100, number=5),
    event(BACKWARD + "AddBackward0", 10200, 10300, number=5, thread=2),
    event(BACKWARD + "ReluBackward0", 11000, 12000, 4, thread=2, device_time=7.0),
    event("aten::threshold_backward", 11000, 11500, 4, thread=2, device_time=7.0),
    # Its gradient's own number is one that is needed later.
    event("aten::mul", 11500, 11600, number=3, thread=2),
    event(BACKWARD + "MmBackward0", 12000, 15000, 3, thread=2, device_time=20.0),
    event(BACKWARD + "AccumulateGrad", 15000, 16000, thread=2),
    event("Optimizer.step#SGD.step", 17000, 18000, device_time=2.0),
][::-1]


def test_parts_of_a_step_are_told_by_the_numbers_of_operations(load_tool):
    milliseconds = load_tool("step_parts").milliseconds
    assert milliseconds(EVENTS, ["teacher", "student", "loss"], gpu=False) == {
        "teacher, forward": 3.0,
        "student, forward": 5.0,
        # The teacher's operation of the same number had no gradient.
        "student, backward": 4.0,
        "loss, forward": 1.0,
        "optimiser": 1.0,
        "all else": 6.0,
        "the step": 20.0,
    }


# A loss that is computed while the student runs, and its gradient.
EARLY = [
    event("the step", 0, 9000),
    event("student", 1000, 8000, device_time=50.0),
    event("aten::conv2d", 1000, 2000, number=1),
    event("early loss", 2000, 3000, device_time=6.0),
    event("aten::mul", 2000, 2500, number=2),
    event(BACKWARD + "MulBackward0", 3000, 5000, 2, thread=2, device_time=9.0),
    event("aten::mul", 3100, 3200, number=3, thread=2),
    event("aten::conv2d", 5000, 6000, number=3),
    event(BACKWARD + "ConvBackward0", 8000, 8500, 3, thread=2, device_time=4.0),
]


@pytest.mark.parametrize(
    ("gpu", "student", "loss"),
    # The student's kernels do not hold those that another thread started.
    [(False, [4.0, 0.5], [1.0, 2.0]), (True, [0.044, 0.004], [0.006, 0.009])],
)
def test_an_early_loss_and_its_gradient_are_not_the_students(
    load_tool, gpu, student, loss
):
    names = ["student", "early loss"]
    found = load_tool("step_parts").milliseconds(EARLY, names, gpu)
    for name, times in zip(names, (student, loss), strict=True):
        passes = [found[f"{name}, {which}"] for which in ("forward", "backward")]
        assert passes == pytest.approx(times)
    assert found["all else"] == pytest.approx(9 - sum([*student, *loss]))


def test_on_a_gpu_the_time_of_kernels_counts(load_tool):
    # What ran on the GPU has events of the labels' names there.
    there = [
        event(name, 0, 9000, device_time=30.0, device="CUDA")
        for name in ("the step", "teacher", "student", "Optimizer.step#SGD.step")
    ]
    events = [*there, *EVENTS]
    found = load_tool("step_parts").milliseconds(
        events, ["teacher", "student"], gpu=True
    )
    assert found["teacher, forward"] == pytest.approx(0.03)
    assert found["student, backward"] == pytest.approx(0.027)
    assert found["optimiser"] == pytest.approx(0.002)


class Squares(nn.Module):
    """A loss that differentiates within its forward pass."""

    def forward(self, x):
        (slope,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        return (slope**2).mean()


class Distillation(nn.Module):
    def __init__(self):
        super().__init__()
        self.teacher, self.student = nn.Linear(4, 4), nn.Linear(4, 4)
        self.distiller = nn.Module()
        self.distiller.connectors = nn.ModuleDict({"to_2": nn.Linear(4, 2)})
        self.distiller.distill_losses = nn.ModuleDict({"loss_squares": Squares()})

    def forward(self, x):
        with torch.no_grad():
            self.teacher(x)
        feature = self.distiller.connectors["to_2"](self.student(x))
        return self.distiller.distill_losses["loss_squares"](feature)


def test_operators_are_counted_but_for_those_made_of_others(load_tool):
    layer, x = nn.Linear(4, 3), torch.randn(2, 4)
    counts = []
    for times in (1, 2):
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            for _ in range(times):
                layer(x)
        counts.append(load_tool("step_parts").operators(profiler.events()))
    leaves = [
        event.name for event in profiler.events() if "aten::" not in children(event)
    ]
    assert "aten::linear" not in leaves
    assert counts[1] == 2 * counts[0] == sum("aten::" in name for name in leaves) > 2


def children(event):
    return " ".join(child.name for child in event.cpu_children)


def test_networks_connectors_and_losses_are_parts(load_tool):
    model, x = Distillation(), torch.randn(3, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    class Step:
        def __init__(self):
            self.model = model

        def __call__(self):
            model(x).backward()
            optimizer.step()

    rows = load_tool("step_parts").part_rows({"ours": Step()}, CPU)
    found = {row["part"]: row["ours"] for row in rows}
    passes = [
        f"{part}, {which}"
        for part in ("student", "connector to_2", "loss_squares")
        for which in ("forward", "backward")
    ]
    ends = ["optimiser", "all else", "the step", "operators, number"]
    assert found.keys() == {"teacher, forward", *passes, *ends}
    assert [row["part"] for row in rows][-4:] == ends
    assert found.pop("operators, number") > 20
    assert sum(found.values()) == pytest.approx(2 * found["the step"])
    assert found["all else"] > 0
    # Nothing of it stays.
    assert not any(module._forward_hooks for module in model.modules())
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_the_rows_are_the_terms(load_tool):
    step = load_tool("train_step")
    rows = step.rows()
    found = {}
    for name, row in rows.items():
        config = step.read(row, "bfloat16")
        wrapper = config.optim_wrapper
        students = wrapper.get("architecture", wrapper)
        assert students.type == "texture_kd.BFloat16OptimWrapper"
        if row.distilled:
            assert config.model.teacher_ckpt is None
            found[name] = [*config.model.distiller.distill_losses]
        # A critic's optimiser is there if the critic is.
        assert ("critic" in wrapper) == ("loss_adversarial" in found.get(name, []))
    structural = ["loss_structural_stage1", "loss_structural_stage2"]
    three = [*structural, "loss_statistical", "loss_response"]
    assert found == {
        step.REFERENCE: ["loss_cwd"],
        "CWD": ["loss_cwd"],
        "response": ["loss_response"],
        "response+structural": [*structural, "loss_response"],
        "response+statistical": ["loss_statistical", "loss_response"],
        step.THREE: three,
        "SSTKD": [*three, "loss_adversarial"],
        "texture": ["loss_texture"],
        "LSFD": ["loss_lfd"],
    }
    assert step.read(rows[step.REFERENCE], "float32").model.type == (
        "SingleTeacherDistill"
    )


def test_the_command_writes_its_tables(load_tool, tmp_path, monkeypatch, capsys):
    step = load_tool("train_step")
    few = ["--size", "32", "40", "--repeats", "1", "--threads", "1"]
    options = ["--rows", "student alone", *few, "--dtype", "bfloat16"]
    monkeypatch.setattr(
        sys, "argv", ["train_step.py", *options, "--out", str(tmp_path)]
    )
    monkeypatch.setattr(step, "keep_freed_memory", lambda: None)
    normalise_with, normalised = step.normalise_with, []

    def normalise(network, images):
        normalise_with(network, images)
        normalised.append(tuple(images.shape))

    monkeypatch.setattr(step, "normalise_with", normalise)
    step.main()
    # The teacher of the only distillation.
    assert normalised == [(2, 3, 32, 40)]
    assert "2 images of 32 x 40 in bfloat16" in capsys.readouterr().out
    with (tmp_path / "train_step.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    steps = {row["step"]: row for row in rows if row["table"] == "Steps, cpu"}
    assert [*steps] == [step.REFERENCE, "student alone"]
    assert float(steps[step.REFERENCE]["ratio"]) == 1
    assert float(steps["student alone"]["memory, ratio"]) > 0
    parts = {row["part"]: row for row in rows if row["table"].startswith("Parts")}
    assert parts["student, backward"]["student alone"]
    assert parts["teacher, forward"]["student alone"] == ""
    assert parts["loss_cwd, backward"][step.REFERENCE]


def test_norms_have_the_statistics_of_the_images(load_tool):
    # SyncBN on one device is no BatchNorm2d.
    norms = nn.BatchNorm2d(3), revert_sync_batchnorm(nn.SyncBatchNorm(3))
    images = torch.randn(4, 3, 8, 8) * 5 + 2
    for norm in norms:
        network = Headless(norm)
        load_tool("train_step").normalise_with(network, images)
        var, mean = torch.var_mean(images, (0, 2, 3))
        torch.testing.assert_close(norm.running_mean, mean)
        torch.testing.assert_close(norm.running_var, var)
        assert not network.training


class Headless(nn.Sequential):
    def forward(self, x, mode):
        return super().forward(x)


def test_other_batches_and_sizes_are_beside_the_reference(load_tool, monkeypatch):
    step = load_tool("train_step")
    known = step.rows()
    pair = [known[step.REFERENCE], known["response"]]

    def build(row, shape, device):
        copies = 1 if row is pair[0] else 2
        return lambda: torch.zeros(copies, shape.batch, *shape.size, device=device)

    monkeypatch.setattr(step, "Step", build)
    rows = step.scaling_rows(pair, step.Shape(2, (32, 40), "float32"), 1, CPU)
    sizes = ["2 x 32 x 40", "4 x 32 x 40", "8 x 32 x 40", "2 x 16 x 20", "2 x 8 x 10"]
    names = [row.name for row in pair]
    assert [(row["images"], row["step"]) for row in rows] == [
        (f"{size}, float32", name) for size in sizes for name in names
    ]
    assert [row["memory, ratio"] for row in rows] == [1, 2] * 5
    mebibytes = 2 * 32 * 40 * 4 / 2**20
    assert [row["memory, MiB"] for row in rows[::2]] == pytest.approx(
        [factor * mebibytes for factor in (1, 2, 4, 1 / 4, 1 / 16)]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "SSTDK"], "no row 'SSTDK': there are student alone, "),
        (["--repeats", "0"], "at least 1"),
        (["--batch", "1"], "--batch 2 at least"),
        (["--size", "3", "64", "--scaling"], "4 at least"),
    ],
)
def test_wrong_options_are_named(load_tool, monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(sys, "argv", ["train_step.py", *arguments])
    with pytest.raises(SystemExit):
        load_tool("train_step").main()
    assert message in capsys.readouterr().err
