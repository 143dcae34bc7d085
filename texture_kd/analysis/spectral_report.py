"""The report of a spectral analysis: Markdown, and tables for other programs."""

import csv
import io
import math
from collections.abc import Sequence
from typing import NamedTuple

from texture_kd.analysis.spectral_analysis import SpectralAnalysis
from texture_kd.analysis.spectral_probe import Concentration


class Scale(NamedTuple):
    """How many periods an image of the analysis one period of a feature is.

    It is 1 where the network sees whole images, and more in sliding windows.

    Attributes:
        height: along the height.
        width: along the width.
    """

    height: float
    width: float

    def limit(self, size: tuple[int, int]) -> int:
        """Return the highest frequency that a grid can hold, in periods an image."""
        # Rounded, for scales are ratios.
        held = [
            int(round((n - 1) // 2 * f, 6)) for n, f in zip(size, self, strict=True)
        ]
        return min(held)

    def grid(self, limit: int) -> tuple[int, int]:
        """Return the smallest grid that can hold a frequency."""
        height, width = (2 * math.ceil(round(limit / f, 6)) + 1 for f in self)
        return height, width


class Grid(NamedTuple):
    """A network whose decode head computes on a grid.

    Attributes:
        size: height and width in samples.
        limit: the highest frequency that it can hold, in periods an image.
        gflops: floating point operations for what the network sees at once, in 10^9;
            twice the multiply-accumulates.
        miou: mean IoU in percent, of the weights as they are.
    """

    size: tuple[int, int]
    limit: int
    gflops: float
    miou: float

    @property
    def fpi(self) -> float:
        """10^9 floating point operations for each unit of IoU; the lower the better."""
        return self.gflops / (self.miou / 100) if self.miou else float("inf")


def markdown(
    title: str,
    analysis: SpectralAnalysis,
    grids: Sequence[Grid],
    scale: Scale,
    probes: Sequence[Concentration],
    layer: str,
    tolerance: float,
) -> str:
    """Write the report.

    Args:
        title: what was analysed.
        analysis: of the data set.
        grids: the network's own first.
        scale: of its features.
        probes: concentration of the spectral gradient.
        layer: where it was measured.
        tolerance: of R.

    Returns:
        Markdown, which refers to ``spectrum.png`` beside it.
    """
    height, width = analysis.size
    whole = float(analysis.cross_entropy[-1])
    return "\n".join(
        [
            f"# Spectral analysis of {title}",
            "",
            f"{analysis.images} images of {height} x {width}; cross-entropy "
            f"{whole:.4f} nats a pixel, mean IoU "
            f"{100 * float(analysis.mean_iou()[-1]):.2f} %.",
            "",
            _recommendation(analysis, grids[0], scale, tolerance),
            "",
            "![cross-entropy by frequency](spectrum.png)",
            "",
            "## Cross-entropy by band limit",
            "",
            "R is the share of the cross-entropy that lies beyond the limit (Eq. 14), "
            "the mean IoU that with the low-passed labels.",
            "",
            "| limit | R | cross-entropy | mean IoU (%) |",
            "|---|---|---|---|",
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


def _recommendation(
    analysis: SpectralAnalysis, own: Grid, scale: Scale, tolerance: float
) -> str:
    limit = analysis.efficient_limit(tolerance)
    size = scale.grid(limit)
    missed = (
        f"from a band limit of {limit} periods an image on, less than "
        f"{100 * tolerance:g} % of the cross-entropy is missed"
    )
    if any(n > m for n, m in zip(size, own.size, strict=True)):
        return (
            f"**No grid smaller than the features', {_size(own.size)}, will do**: "
            f"{missed}, and that takes {_size(size)}."
        )
    return f"**Recommended grid: {_size(size)}**: {missed}."


def _size(size: tuple[int, int]) -> str:
    return " x ".join(map(str, size))


def _limit_rows(analysis: SpectralAnalysis) -> list[str]:
    limits = len(analysis.cross_entropy)
    shown = [0, *(2**k for k in range(20) if 2**k < limits - 1), limits - 1]
    return [
        f"| {k} | {_discrepancy(analysis, k):.4f} | "
        f"{float(analysis.cross_entropy[k]):.4f} | "
        f"{100 * float(analysis.mean_iou()[k]):.2f} |"
        for k in shown
    ]


def _grid_row(analysis: SpectralAnalysis, grid: Grid) -> str:
    cells = (
        _size(grid.size),
        grid.limit,
        f"{_discrepancy(analysis, grid.limit):.4f}",
        f"{grid.gflops:.2f}",
        f"{grid.miou:.2f}",
        f"{grid.fpi:.1f}",
    )
    return f"| {' | '.join(map(str, cells))} |"


def _discrepancy(analysis: SpectralAnalysis, limit: int) -> float:
    return float(analysis.discrepancy()[min(limit, len(analysis.cross_entropy) - 1)])


def _csv(header: Sequence[str], rows: Sequence[Sequence]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()
