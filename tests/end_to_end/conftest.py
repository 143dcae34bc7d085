"""Runs the commands that a user types, on tiny networks and pictures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

# What makes a shipped mosaic config tiny; the structure stays as shipped.
TINY = """
_base_ = ["{base}"]
_pipeline = [
    dict(type="LoadTextureMosaic", size=(64, 64)),
    dict(type="PackSegInputs"),
]
_loader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(length=8, pipeline=_pipeline),
)
train_dataloader = _loader
val_dataloader = dict(_loader, batch_size=1)
# The validation images, so that a test can be compared with the last validation.
test_dataloader = dict(val_dataloader, dataset=dict(_loader["dataset"], split="val"))
train_cfg = dict(max_iters=6, val_interval=6)
default_hooks = dict(
    logger=dict(interval=1), checkpoint=dict(interval=2, max_keep_ckpts=-1)
)
"""


@pytest.fixture
def run():
    """Run a command with this environment's programs; return what it printed."""

    def run_command(*command: object, ok: bool = True, **env: str) -> str:
        programs = Path(sys.executable).parent
        result = subprocess.run(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=REPOSITORY,
            env=os.environ
            | dict(PATH=f"{programs}:{os.environ['PATH']}", PYTHONWARNINGS="ignore")
            | env,
            timeout=300,
            check=False,
        )
        output = result.stdout
        assert (result.returncode == 0) == ok, output[-8000:]
        return output

    return run_command


@pytest.fixture
def tiny(tmp_path):
    """Write a tiny variant of a shipped config and return its path."""

    def write(name: str, extra: str = "") -> Path:
        path = tmp_path / name
        base = REPOSITORY / "configs" / name
        path.write_text(TINY.format(base=base) + extra)
        return path

    return write


def logged(work_dir: Path, key: str = "loss") -> dict[int, float]:
    """Read the logged values of a run, or of all runs in a folder, by iteration."""
    values = {}
    for log in sorted(work_dir.glob("*/vis_data/scalars.json")):
        for line in map(json.loads, log.read_text().splitlines()):
            if key in line:
                values[line["step"]] = line[key]
    return values


@pytest.fixture
def logged_values():
    """Give access to :func:`logged`."""
    return logged
