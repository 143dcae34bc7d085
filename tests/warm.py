"""Runs Python's tools in processes that have imported PyTorch and OpenMMLab before.

Importing them takes longer than most tools need for a few images. A server does so once
and forks itself for each tool, which then starts as from a shell: arguments, folder,
environment and output are its own, and nothing of it remains.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest.mock import patch

__all__ = ["run", "start"]

SERVER = multiprocessing.get_context("forkserver")
# Its programs may import pytest, whose process starts them.
SERVER.set_forkserver_preload(["pytest", "quick"])
SERVERS_ENVIRONMENT = dict(
    PYTHONPATH=":".join([str(Path(__file__).parent), *sys.path]),
    PYTHONWARNINGS="ignore",
    # Threads that wait busily for a core are slow where there is one only.
    OMP_WAIT_POLICY="passive",
    # Whether there is a GPU is asked without starting CUDA, which no fork survives.
    PYTORCH_NVML_BASED_CUDA_CHECK="1",
)


def run(
    command: Sequence[object],
    *,
    cwd: object = None,
    env: Mapping[str, str] | None = None,
    stdout: Any = None,
    stderr: Any = None,
    capture_output: bool = False,
    text: bool = True,
    check: bool = False,
    timeout: float = 600,
) -> subprocess.CompletedProcess:
    """Run a command of Python or mim as ``subprocess.run`` does."""
    with tempfile.TemporaryDirectory() as folder:
        out = err = Path(folder, "out")
        if capture_output or stderr == subprocess.PIPE:
            err = Path(folder, "err")
        process = start(command, out, err, cwd=cwd, env=env)
        process.join(timeout)
        if process.is_alive():
            process.kill()
            raise subprocess.TimeoutExpired(command, timeout, out.read_text())
        printed, complaint = out.read_text(), err.read_text()
    if hasattr(stdout, "write"):
        stdout.write(printed)
    done = subprocess.CompletedProcess(command, process.exitcode, printed, complaint)
    if check:
        done.check_returncode()
    return done


def start(
    command: Sequence[object],
    out: Path,
    err: Path,
    cwd: object = None,
    env: Mapping[str, str] | None = None,
) -> BaseProcess:
    """Start a command of Python or mim that writes to two files, or to one."""
    words = _as_python(list(map(str, command)))
    env = dict(os.environ if env is None else env)
    with patch.dict(os.environ, SERVERS_ENVIRONMENT):
        forkserver.ensure_running()
    process = SERVER.Process(
        target=_become, args=(words, str(out), str(err), str(cwd or os.getcwd()), env)
    )
    process.start()
    return process


def _as_python(words: list[str]) -> list[str]:
    """Return what follows ``python``; mim starts a package's tool, which is that."""
    if words[0] != "mim":
        assert Path(words[0]).name.startswith("python"), words
        return words[1:]
    _, action, package, *arguments = words
    root = find_spec(package).submodule_search_locations[0]
    arguments = [word for word in arguments if word != "--checkpoint"]
    return [f"{root}/.mim/tools/{action}.py", *arguments]


def _become(words: list[str], out: str, err: str, cwd: str, env: dict) -> None:
    assert "quick" in sys.modules, "the server could not import tests/quick.py"
    for name, stream in ((out, 1), (err, 2)):
        with open(name, "ab") as file:
            os.dup2(file.fileno(), stream)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.path[:0] = filter(None, env.get("PYTHONPATH", "").split(":"))
    while words[0] in ("-u", "-W"):
        words = words[2 if words[0] == "-W" else 1 :]
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        sys.path.insert(0, str(Path(words[0]).resolve().parent))
        runpy.run_path(words[0], run_name="__main__")
