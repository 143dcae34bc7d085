"""An installed copy of the package has its configs with it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from mmengine.config import Config

REPOSITORY = Path(__file__).parents[2]
STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
# What a wheel is made of.
SOURCES = ("texture_kd", "configs", "tools", "requirements")
READ = """
import json
import sys

import texture_kd
import torch
from mmengine.config import Config

found = Config.fromfile(sys.argv[1])
print(json.dumps([texture_kd.__file__, found.model, found.randomness]))
"""


def installed(folder: Path) -> Path:
    """Install a copy of the sources, beside which nothing is left."""
    copy, target = folder / "sources", folder / "site"
    for name in SOURCES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, copy / name, ignore=ignored)
    for path in REPOSITORY.iterdir():
        if path.is_file():
            shutil.copy(path, copy)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--no-compile")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", target, copy],
        check=True,
        capture_output=True,
    )
    return target


def test_a_config_of_an_installed_package_is_a_base(tmp_path):
    site = installed(tmp_path)
    child = tmp_path / "child.py"
    child.write_text(f"_base_ = 'texture_kd::{STUDENT}'\nrandomness = dict(seed=5)\n")
    printed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ, child],
        cwd=tmp_path,
        env=os.environ | dict(PYTHONPATH=str(site)),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    file, model, randomness = json.loads(printed.splitlines()[-1])
    assert Path(file).is_relative_to(site)
    # An installed copy has files, and no way back to the sources.
    assert (site / "texture_kd" / ".mim" / "configs" / STUDENT).is_file()
    shipped = Config.fromfile(REPOSITORY / "configs" / STUDENT)
    assert model == json.loads(json.dumps(shipped.model))
    assert randomness["seed"] == 5
