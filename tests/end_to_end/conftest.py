"""Runs the commands that a user types, on tiny networks and pictures."""

import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import quick  # noqa: F401
import warm

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
    return lambda *command, **options: ran(subprocess.run, command, **options)


@pytest.fixture
def run_warm():
    """Run a command of Python or mim likewise, in a process that starts at once."""
    return lambda *command, **options: ran(warm.run, command, **options)


def ran(
    runner: Callable,
    command: Sequence[object],
    ok: bool = True,
    cwd: Path = REPOSITORY,
    **env: str,
) -> str:
    """Run a command and return what it printed."""
    result = runner(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env=environment(**env),
        timeout=600,
        check=False,
    )
    output = result.stdout
    assert (result.returncode == 0) == ok, output[-8000:]
    return output


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a command."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return os.environ | dict(PATH=path, PYTHONWARNINGS="ignore") | changes


@pytest.fixture
def run_printed(run_warm):
    """Run the lines of a printed block, commands of Python and mim, in a folder."""

    def run_lines(block: str, cwd: Path) -> str:
        output = ""
        for line in block.replace("\\\n", " ").splitlines():
            words, env = shlex.split(line, comments=True), {}
            while words and "=" in words[0]:
                name, _, env[name] = words.pop(0).partition("=")
            if words:
                output += run_warm(*words, cwd=cwd, **env)
        return output

    return run_lines


@pytest.fixture
def free_port() -> str:
    """Return a port that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


@pytest.fixture
def run_launcher(run, free_port, tmp_path):
    """Run a script that calls torchrun, and start what it asks torchrun for.

    The processes start at once, and torchrun itself is not needed.
    """

    def run_processes(script: Path, *arguments: object, **env: str) -> str:
        programs = tmp_path / "programs"
        programs.mkdir()
        torchrun = programs / "torchrun"
        torchrun.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
        torchrun.chmod(0o755)
        path = f"{programs}:{os.environ['PATH']}"
        asked = run(script, *arguments, PATH=path, PORT=free_port).splitlines()
        options = dict(word[2:].split("=") for word in asked[:5])
        assert options == {
            "nnodes": "1",
            "node-rank": "0",
            "master-addr": "127.0.0.1",
            "master-port": free_port,
            "nproc-per-node": "2",
        }
        processes = []
        for rank in "01":
            ranks = dict(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE="2")
            master = dict(MASTER_ADDR="127.0.0.1", MASTER_PORT=free_port)
            log = tmp_path / f"rank{rank}.txt"
            command = [sys.executable, *asked[5:]]
            every = environment(**ranks, **master, **env)
            processes.append(warm.start(command, log, log, REPOSITORY, every))
        for process in processes:
            process.join(600)
        logs = [(tmp_path / f"rank{rank}.txt").read_text() for rank in "01"]
        assert [process.exitcode for process in processes] == [0, 0], logs[0][-8000:]
        return logs[0]

    return run_processes


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
