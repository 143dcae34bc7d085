"""Imports run down, and tensors, losses and Distiller need PyTorch alone."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "texture_kd"
# What each room may lean on, beside itself.
BELOW = {
    "functional": set(),
    "losses": {"functional"},
    "recipes": {"functional", "losses"},
    "versions": set(),
    "stages": {"versions"},
    "early_losses": {"functional", "losses"},
    "stage_records": {"early_losses", "stages"},
    "example_shapes": {"recipes", "stages"},
    "distiller": {
        "early_losses",
        "example_shapes",
        "losses",
        "recipes",
        "stage_records",
        "stages",
    },
    "datasets": {"functional", "registry"},
    "decode_heads": {"functional", "registry"},
    "connectors": {"functional", "registry"},
}
OPENMMLAB = {"mmengine", "mmcv", "mmseg", "mmrazor", "mmdet", "mmpretrain"}

ALONE = """
import sys
from importlib.abc import MetaPathFinder

class Nothing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {openmmlab}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Nothing())
import pkgutil
from importlib import import_module
import texture_kd
assert "torch" not in sys.modules
for name in dir(texture_kd):
    getattr(texture_kd, name)
for room in ("functional", "losses", "recipes"):
    package = import_module(f"texture_kd.{{room}}")
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        import_module(found.name)
"""
# What the README says of a training loop of one's own, with two ResNets around it.
BEFORE = """
import torch
import torch.nn.functional as F
from torch import nn


class ResNet(nn.Module):
    def __init__(self, width, classes=5):
        super().__init__()
        widths = [width << i for i in range(5)]
        self.conv1 = nn.Conv2d(3, width, 3, 2, 1)
        for i in range(4):
            layer = nn.Conv2d(widths[i], widths[i + 1], 3, 2, 1)
            setattr(self, f"layer{i + 1}", nn.Sequential(layer, nn.ReLU()))
        self.fc = nn.Conv2d(widths[4], classes, 1)

    def forward(self, x):
        x = self.conv1(x)
        for i in range(4):
            x = getattr(self, f"layer{i + 1}")(x)
        return F.interpolate(self.fc(x), scale_factor=32)


torch.manual_seed(0)
student, teacher = ResNet(2), ResNet(4)
images, labels = torch.rand(2, 3, 64, 64), torch.randint(5, (2, 64, 64))
before = [p.clone() for p in student.parameters()]
"""
AFTER = """
optimizer.step()
assert all((a != b).any() for a, b in zip(before, student.parameters()))
"""


def imported(path):
    """Return the modules that a file imports when it is imported."""
    room = ("texture_kd", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(room[: len(room) - node.level]) if node.level else ""
            module = ".".join(filter(None, (start, node.module)))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def files(room):
    file = PACKAGE / f"{room}.py"
    return [file] if file.exists() else sorted((PACKAGE / room).rglob("*.py"))


@pytest.mark.parametrize("room", BELOW)
def test_imports_run_down(room):
    allowed = {room} | BELOW[room]
    for path in files(room):
        for name in imported(path):
            if name.startswith("texture_kd."):
                assert name.split(".")[1] in allowed, f"{path} imports {name}"


@pytest.mark.parametrize(
    "room", sorted(BELOW.keys() - {"connectors", "datasets", "decode_heads"})
)
def test_no_openmmlab(room):
    for path in files(room):
        assert not OPENMMLAB & {name.split(".")[0] for name in imported(path)}


def test_nothing_leans_on_the_bridge():
    for path in PACKAGE.rglob("*.py"):
        if "compat" not in path.relative_to(PACKAGE).parts:
            assert not [x for x in imported(path) if x.startswith("texture_kd.compat")]


def test_without_openmmlab_everything_but_its_components_is_there_and_trains():
    readme = (PACKAGE.parent / "README.md").read_text()
    (lines,) = re.findall(r"```python\n(import texture_kd\n.*?)```", readme, re.S)
    code = ALONE.format(openmmlab=OPENMMLAB) + BEFORE + lines + AFTER
    # Without the bridge, which imports nothing of it either, torch is not there yet.
    environment = {"PYTHONPATH": str(PACKAGE.parent), "PATH": ""}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
