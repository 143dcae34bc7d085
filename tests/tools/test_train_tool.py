"""What the command says of itself."""

import runpy
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "train.py"


def test_its_help_names_our_options_and_mmrazors(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(TOOL), "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(TOOL), run_name="__main__")
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "--check builds everything" in printed
    assert "--work-dir WORK_DIR" in printed
