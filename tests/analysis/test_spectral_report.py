"""The report says what the analysis holds."""

import csv
import io
import itertools

import pytest
import torch

from texture_kd.analysis.spectral_analysis import analyse, image_spectra
from texture_kd.analysis.spectral_figure import spectrum_figure
from texture_kd.analysis.spectral_probe import Concentration
from texture_kd.analysis.spectral_report import (
    Grid,
    Scale,
    curves_csv,
    grids_csv,
    markdown,
)


@pytest.fixture
def analysis():
    torch.manual_seed(0)
    label = torch.randint(3, (12, 9))
    logits = torch.randn(3, 12, 9)
    return analyse([image_spectra(logits, logits.argmax(0), label, 255)])


GRIDS = [Grid((12, 9), 4, 10.0, 50.0), Grid((6, 5), 2, 4.0, 40.0)]
WHOLE = Scale(1.0, 1.0)
PROBES = [Concentration("0", 0.25, 0.01), Concentration("M/4", 0.75, 0.01)]


def report(analysis, tolerance):
    return markdown(
        "a network", analysis, GRIDS, WHOLE, PROBES, "head.bottleneck", tolerance
    )


def test_operations_for_each_unit_of_iou():
    assert [grid.fpi for grid in GRIDS] == [20, 10]
    assert Grid((1, 1), 0, 1.0, 0.0).fpi == float("inf")


def test_a_grid_holds_what_its_shorter_side_can_and_more_in_windows():
    assert [WHOLE.limit(size) for size in [(12, 9), (6, 5), (65, 129)]] == [4, 2, 32]
    windows = Scale(2.0, 4.0)
    assert windows.limit((65, 65)) == 64
    assert windows.grid(64) == (65, 33)
    assert WHOLE.grid(32) == (65, 65)
    assert WHOLE.grid(0) == (1, 1)
    third = Scale(1 / 3, 1.0)
    assert third.limit((7, 7)) == 1
    assert third.grid(1) == (7, 3)


def test_the_report_names_the_grid_to_take_and_has_every_figure(analysis):
    text = report(analysis, 0.1)
    limit = analysis.efficient_limit(0.1)
    assert f"a band limit of {limit} periods an image on, less than 10 %" in text
    r = analysis.discrepancy()
    assert f"| 12 x 9 | 4 | {r[4]:.4f} | 10.00 | 50.00 | 20.0 |" in text
    assert f"| 6 x 5 | 2 | {r[2]:.4f} | 4.00 | 40.00 | 10.0 |" in text
    assert "| M/4 | 0.7500 | 1.0e-02 |" in text
    assert "`head.bottleneck`" in text
    for k in (0, 1, 2, 4, 6):
        assert f"\n| {k} | {r[k]:.4f} |" in text
    # Tables are whole: as many cells in each line as in the one before.
    lines = text.splitlines()
    for above, line in itertools.pairwise(lines):
        if above.startswith("|") and line.startswith("|"):
            assert above.count("|") == line.count("|")


def test_the_grid_to_take_is_one_that_there_is(analysis):
    curve = torch.tensor([3.0, 2.0, 1.2, 1.0, 1.0, 1.0, 1.0])
    smooth = analysis._replace(cross_entropy=curve)
    assert "**Recommended grid: 7 x 7**" in report(smooth, 0.1)
    rough = analysis._replace(cross_entropy=curve.flip(0))
    text = report(rough, 0.1)
    assert "**No grid smaller than the features', 12 x 9, will do**" in text
    assert "takes 13 x 13" in text


def test_curves_for_other_programs(analysis):
    rows = list(csv.DictReader(io.StringIO(curves_csv(analysis))))
    assert [int(row["limit"]) for row in rows] == list(range(7))
    assert float(rows[3]["R"]) == pytest.approx(float(analysis.discrepancy()[3]))
    shells = sum(float(row["ce_of_shell"]) for row in rows)
    assert shells == pytest.approx(float(analysis.cross_entropy[-1]))


def test_grids_for_other_programs(analysis):
    first, second = csv.DictReader(io.StringIO(grids_csv(analysis, GRIDS)))
    assert (first["height"], first["width"], first["limit"]) == ("12", "9", "4")
    assert float(second["fpi"]) == 10


def test_the_figure_has_four_curves(analysis):
    figure = spectrum_figure(analysis, 0.1)
    assert len(figure.axes) == 4
    figure.draw_without_rendering()
