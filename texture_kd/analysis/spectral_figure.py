"""Pictures of cross-entropy by frequency: Fig. 1 of the spectral analysis."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from texture_kd.analysis.spectral_analysis import SpectralAnalysis


def spectrum_figure(analysis: SpectralAnalysis, tolerance: float) -> Figure:
    """Draw spectra, the components of the cross-entropy, R, and the IoU.

    Args:
        analysis: of a data set.
        tolerance: of R, a line.

    Returns:
        A figure that belongs to no window; ``savefig`` writes it.
    """
    figure = Figure((11, 7), layout="constrained")
    (spectra, components), (discrepancy, overlap) = figure.subplots(2, 2)
    limits = range(len(analysis.cross_entropy))

    spectra.plot(limits, analysis.label, label="|b|, labels")
    spectra.plot(limits, analysis.prediction, label="|ŷ|, predictions")
    _label(spectra, "Magnitude, the largest being 1", "log")
    spectra.legend()

    components.plot(limits, analysis.components())
    components.axhline(0, color="0.7", linewidth=1)
    _label(components, "Cross-entropy of each frequency (nats)")

    # The last is 0 and has no place on a logarithm's axis.
    discrepancy.plot(limits[:-1], analysis.discrepancy()[:-1])
    discrepancy.axhline(tolerance, color="0.5", linestyle="--", label="tolerance")
    discrepancy.axvline(
        analysis.efficient_limit(tolerance), color="0.5", label="recommended"
    )
    _label(discrepancy, "R: cross-entropy that a limit misses", "log")
    discrepancy.legend()

    overlap.plot(limits, 100 * analysis.mean_iou())
    _label(overlap, "Mean IoU with low-passed labels (%)")
    return figure


def _label(axes: Axes, title: str, scale: str = "linear") -> None:
    axes.set_title(title)
    axes.set_xlabel("periods an image")
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(left=0)
    axes.set_yscale(scale)
    axes.grid(alpha=0.3)
