"""What tests of a check use."""

import tempfile
from pathlib import Path

import pytest

from texture_kd.analysis.check_runner import CheckRunner

STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
DISTILLED = f"sstkd_pspnet_r18-w32-d8_{STUDENT}"


@pytest.fixture
def folders(tmp_path, monkeypatch) -> Path:
    """Have temporary folders where a test can look for what is left."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def tiny(tiny_mosaic, folders):
    """Read a config of few and small images, by default of a distillation."""
    return lambda name=DISTILLED, **options: tiny_mosaic(
        name, folders / "never" / "made", **options
    )


@pytest.fixture
def checked(tiny):
    """Check such a config, and return what the check saw."""

    def check(*arguments, **options):
        runner = CheckRunner.from_cfg(tiny(*arguments, **options))
        runner.train()
        return runner.check

    return check
