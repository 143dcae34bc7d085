"""The study of truncation trains what is missing, once, and reports."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

FOLDER = Path(__file__).parents[2] / "tools" / "benchmark"
STUDENT = "pspnet_r18-w16-d8-half_1xb8-400iters_mosaic-128x128.py"


def test_it_trains_once_and_reports(run, tiny, tmp_path, load_tool, monkeypatch):
    config, out = tiny(STUDENT), tmp_path / "out"
    options = ["--grids", "4", "2", "--seeds", "3", "--out", out]
    text = run(sys.executable, FOLDER / "truncation_training.py", config, *options)
    assert re.search(r"\| 4 x 4 \| 1 \| [\d.]+ ± 0.000 \|", text)
    assert "| 2 x 2 | 0 |" in text

    study = load_tool("truncation_training")
    monkeypatch.setattr(study, "run", None)
    args = SimpleNamespace(config=config, out=out, cfg_options=[], jobs=1, iters=6)
    assert study.train(args, "4", 3) >= 0
