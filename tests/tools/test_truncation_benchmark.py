"""The benchmark of truncated decoders reports every grid."""

import csv
import sys
from pathlib import Path

import warm

TOOL = Path(__file__).parents[2] / "tools" / "benchmark" / "truncation.py"


def test_a_row_for_each_grid(tmp_path):
    options = [
        "--crop",
        "65",
        "--grids",
        "17",
        "9",
        "--repeats",
        "1",
        "--threads",
        "1",
        "--out",
    ]
    command = [sys.executable, "-W", "ignore", TOOL, *options, tmp_path]
    warm.run(command, check=True, capture_output=True)
    rows = csv.DictReader((tmp_path / "truncation.csv").read_text().splitlines())
    cpu = [row for row in rows if row["table"].endswith("cpu")]
    assert [row["decoder"] for row in cpu] == ["no truncation", "17 x 17", "9 x 9"]
    # A crop of 65 has features of 17.
    flops = [float(row["GFLOPs"]) for row in cpu]
    assert flops[0] == flops[1] > flops[2]
