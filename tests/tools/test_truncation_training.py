"""The study of truncation trains what is missing, and compares with R."""

import sys
from pathlib import Path

import pytest
import warm

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "tools" / "benchmark"


@pytest.fixture
def study(load_tool):
    return load_tool("truncation_training")


def test_means_over_seeds_and_the_correlation_with_r(study):
    point = study.Point
    points = [
        point(65, 0, 0.1, 1.0, 3.0),
        point(65, 1, 0.1, 2.0, 3.0),
        point(33, 0, 0.3, 4.0, 2.0),
        point(33, 1, 0.3, 5.0, 2.0),
    ]
    lines, (table,) = study.summarise([40.0, 42.0], points)
    assert "mIoU 41.00 ± 1.41 %" in lines[1]
    assert "0.95 for the trained, and -1.00 for the untrained" in lines[2]
    assert table.rows[0] == {
        "grid": "65 x 65",
        "limit": 32,
        "R": "0.100 ± 0.000",
        "drop, trained": "1.50 ± 0.71",
        "drop, untrained": "3.00 ± 0.00",
    }
    assert [row["limit"] for row in table.rows] == [32, 16]


def test_a_config_without_truncation_is_refused():
    stock = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
    command = [sys.executable, FOLDER / "truncation_training.py"]
    done = warm.run(
        [*command, REPOSITORY / "configs" / stock],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode
    assert "has no SpectralTruncationHead" in done.stderr
