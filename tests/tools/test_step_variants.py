"""The benchmark of variants of a training step."""

import csv
import sys

import torch
from torch import nn

CPU = torch.device("cpu")


def test_variants_of_a_step_are_beside_it(load_tool, tmp_path, monkeypatch, capsys):
    variants = load_tool("step_variants")
    monkeypatch.setattr(variants, "keep_freed_memory", lambda: None)
    asked = ["teacher, norms folded", "teacher in bfloat16", "all, channels last"]
    few = ["--size", "32", "40", "--repeats", "1", "--threads", "1"]
    options = ["--variants", *asked, *few, "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["step_variants.py", *options])
    variants.main()
    assert "SSTKD on 2 images of 32 x 40 in\nfloat32" in capsys.readouterr().out
    with (tmp_path / "step_variants.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == [variants.AS_IT_IS, *asked]
    assert float(rows[0]["ratio"]) == 1


def test_variants_are_what_they_are_called(load_tool, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda f, **_: compiled.append(f) or f)
    variants, step = load_tool("step_variants"), load_tool("train_step")
    shape = step.Shape(2, (32, 40), "float32")
    plain = step.Step(step.rows()["SSTKD"], shape, CPU).model
    assert not compiled
    of = {}
    for name in variants.VARIANTS:
        model = variants.variant(name, shape, CPU).model
        of[name] = model, [*compiled]
        compiled.clear()
    model, called = of.pop("texture losses compiled")
    losses = [
        model.distiller.distill_losses[name]
        for name in (*step.STRUCTURAL, *step.STATISTICAL)
    ]
    assert [method.__self__ for method in called] == losses
    model, called = of.pop("all compiled")
    assert [(method.__self__, method.__name__) for method in called] == [
        (model, "train_step")
    ]
    model, called = of.pop("teacher compiled")
    assert [method.__self__ for method in called] == [model.teacher]
    assert not any(called for _, called in of.values())
    models = {name: model for name, (model, _) in of.items()}
    assert models["teacher in bfloat16"].teacher_dtype is torch.bfloat16
    folded = models["teacher, norms folded"]
    assert len(norms(folded.teacher)) < len(norms(plain.teacher))
    assert len(norms(folded.student)) == len(norms(plain.student))
    for name, students in (
        ("teacher, channels last", False),
        ("all, channels last", True),
    ):
        model = models[name]
        assert has_channels_last(model.teacher.backbone.layer1[0].conv2)
        assert has_channels_last(model.student.backbone.layer1[0].conv2) == students


def norms(network):
    kind = nn.modules.batchnorm._BatchNorm
    return [module for module in network.modules() if isinstance(module, kind)]


def has_channels_last(convolution):
    return convolution.weight.is_contiguous(memory_format=torch.channels_last)
