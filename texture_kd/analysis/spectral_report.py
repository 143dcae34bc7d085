"""The report of a spectral analysis: Markdown, and tables for other programs."""

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

from texture_kd.analysis.spectral_analysis import SpectralAnalysis
from texture_kd.analysis.spectral_probe import Concentration


class Grid(NamedTuple):
    """A network whose decode head computes on a grid.

    Attributes:
        size: samples along each axis.
        gflops: floating point operations for an image, in 10^9; twice the
            multiply-accumulates.
        miou: mean IoU in percent, of the weights as they are.
    """

    size: tuple[int, int]
    gflops: float
    miou: float

    @property
    def limit(self) -> int:
        """The highest frequency that it can hold, in periods an image."""
        return (min(self.size) - 1) // 2

    @property
    def fpi(self) -> float:
        """10^9 floating point operations for each unit of IoU; the lower the better."""
        return self.gflops / (self.miou / 100) if self.miou else float("inf")


def markdown(
    title: str,
    analysis: SpectralAnalysis,
    grids: Sequence[Grid],
    probes: Sequence[Concentration],
    layer: str,
    tolerance: float,
) -> str:
    """Write the report.

    Args:
        title: what was analysed.
        analysis: of the data set.
        grids: the network's own first.
        probes: concentration of the spectral gradient.
        layer: where it was measured.
        tolerance: of R.

    Returns:
        Markdown, which refers to ``spectrum.png`` beside it.
    """
    height, width = analysis.size
    limit = analysis.efficient_limit(tolerance)
    whole = float(analysis.cross_entropy[-1])
    return "\n".join(
        [
            f"# Spectral analysis of {title}",
            "",
            f"{analysis.images} images of {height} x {width}; cross-entropy "
            f"{whole:.4f} nats a pixel, mean IoU "
            f"{100 * float(analysis.mean_iou()[-1]):.2f} %.",
            "",
            f"**Recommended grid: {2 * limit + 1} x {2 * limit + 1}.** From a band "
            f"limit of {limit} periods an image on, less than {100 * tolerance:g} % of "
            "the cross-entropy is missed.",
            "",
            "![cross-entropy by frequency](spectrum.png)",
            "",
            "## Cross-entropy by band limit",
            "",
            "R is the share of the cross-entropy that lies beyond the limit (Eq. 14). "
            "The mean IoU is that with the low-passed labels.",
            "",
            "| limit | grid | R | cross-entropy | mean IoU (%) |",
            "|---|---|---|---|---|",
            *_limit_rows(analysis),
            "",
            "## Decode head on a grid",
            "",
            "Weights as they are: training on the grid is better. FPI is 10^9 floating "
            "point operations for each unit of IoU.",
            "",
            "| grid | limit | R | GFLOPs | mean IoU (%) | FPI |",
            "|---|---|---|---|---|---|",
            *(_grid_row(analysis, grid) for grid in grids),
            "",
            "## Spectral gradient",
            "",
            f"Share of the energy of dL(v)/dx, x being what `{layer}` gives, that lies "
            "at the frequency v itself. A delta function has 1 (Eq. 12).",
            "",
            "| v | share | if spread evenly |",
            "|---|---|---|",
            *(f"| {p.frequency} | {p.share:.4f} | {p.spread:.1e} |" for p in probes),
            "",
        ]
    )


def curves_csv(analysis: SpectralAnalysis) -> str:
    """Return all curves, a line for each band limit."""
    columns = (
        analysis.discrepancy(),
        analysis.cross_entropy,
        analysis.components(),
        analysis.label,
        analysis.prediction,
        analysis.mean_iou(),
    )
    names = ("R", "truncated_ce", "ce_of_shell", "label", "prediction", "miou")
    rows = [
        (limit, *(f"{float(value):.8g}" for value in values))
        for limit, values in enumerate(zip(*columns, strict=True))
    ]
    return _csv(("limit", *names), rows)


def grids_csv(analysis: SpectralAnalysis, grids: Sequence[Grid]) -> str:
    """Return the grids' figures, a line for each."""
    rows = [
        (
            *grid.size,
            grid.limit,
            f"{_discrepancy(analysis, grid.limit):.8g}",
            f"{grid.gflops:.6g}",
            f"{grid.miou:.4f}",
            f"{grid.fpi:.6g}",
        )
        for grid in grids
    ]
    return _csv(("height", "width", "limit", "R", "gflops", "miou", "fpi"), rows)


def _limit_rows(analysis: SpectralAnalysis) -> list[str]:
    limits = len(analysis.cross_entropy)
    shown = [0, *(2**k for k in range(20) if 2**k < limits - 1), limits - 1]
    return [
        f"| {k} | {2 * k + 1} | {_discrepancy(analysis, k):.4f} | "
        f"{float(analysis.cross_entropy[k]):.4f} | "
        f"{100 * float(analysis.mean_iou()[k]):.2f} |"
        for k in shown
    ]


def _grid_row(analysis: SpectralAnalysis, grid: Grid) -> str:
    size = " x ".join(map(str, grid.size))
    return (
        f"| {size} | {grid.limit} | {_discrepancy(analysis, grid.limit):.4f} | "
        f"{grid.gflops:.2f} | {grid.miou:.2f} | {grid.fpi:.1f} |"
    )


def _discrepancy(analysis: SpectralAnalysis, limit: int) -> float:
    return float(analysis.discrepancy()[min(limit, len(analysis.cross_entropy) - 1)])


def _csv(header: Sequence[str], rows: Sequence[Sequence]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()
