"""The study of truncation trains what is missing, once, and reports."""

import re
import sys
from types import SimpleNamespace

import warm

STUDENT = "pspnet_r18-w16-d8-half_1xb8-400iters_mosaic-128x128.py"


def test_it_trains_once_and_reports(tiny, tmp_path, load_tool, monkeypatch, capsys):
    config, out = tiny(STUDENT), tmp_path / "out"
    options = ["--grids", "4", "2", "--seeds", "3", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["truncation_training.py", str(config), *options])
    monkeypatch.setattr("subprocess.run", warm.run)
    study = load_tool("truncation_training")
    study.main()
    text = capsys.readouterr().out
    assert re.search(r"\| 4 x 4 \| 1 \| [\d.]+ ± 0.000 \|", text)
    assert "| 2 x 2 | 0 |" in text

    monkeypatch.setattr(study, "run", None)
    args = SimpleNamespace(config=config, out=out, cfg_options=[], jobs=1, iters=6)
    assert study.train(args, "4", 3) >= 0
