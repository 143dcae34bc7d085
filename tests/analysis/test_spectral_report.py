"""The report says what the analysis holds."""

import csv
import io
import itertools

import pytest
import torch

from texture_kd.analysis.spectral_analysis import analyse, image_spectra
from texture_kd.analysis.spectral_figure import spectrum_figure
from texture_kd.analysis.spectral_probe import Concentration
from texture_kd.analysis.spectral_report import Grid, curves_csv, grids_csv, markdown


@pytest.fixture
def analysis():
    torch.manual_seed(0)
    label = torch.randint(3, (12, 9))
    return analyse([image_spectra(torch.randn(3, 12, 9), label, 255)])


GRIDS = [Grid((12, 9), 10.0, 50.0), Grid((6, 5), 4.0, 40.0)]
PROBES = [Concentration(0, 0.25, 0.01), Concentration(4, 0.75, 0.01)]


def test_a_grid_holds_what_its_shorter_side_can():
    assert [grid.limit for grid in GRIDS] == [4, 2]
    assert [grid.fpi for grid in GRIDS] == [20, 10]
    assert Grid((1, 1), 1.0, 0.0).fpi == float("inf")


def test_the_report_names_the_grid_to_take_and_has_every_figure(analysis):
    text = markdown("a network", analysis, GRIDS, PROBES, "head.bottleneck", 0.1)
    limit = analysis.efficient_limit(0.1)
    assert f"Recommended grid: {2 * limit + 1} x {2 * limit + 1}" in text
    r = analysis.discrepancy()
    assert f"| 12 x 9 | 4 | {r[4]:.4f} | 10.00 | 50.00 | 20.0 |" in text
    assert f"| 6 x 5 | 2 | {r[2]:.4f} | 4.00 | 40.00 | 10.0 |" in text
    assert "| 4 | 0.7500 | 1.0e-02 |" in text
    assert "`head.bottleneck`" in text
    for k in (0, 1, 2, 4, 6):
        assert f"\n| {k} | {2 * k + 1} | {r[k]:.4f} |" in text
    # Tables are whole: as many cells in each line as in the one before.
    lines = text.splitlines()
    for above, line in itertools.pairwise(lines):
        if above.startswith("|") and line.startswith("|"):
            assert above.count("|") == line.count("|")


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
