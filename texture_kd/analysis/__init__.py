"""What networks do to spectra, measured over data sets."""

from texture_kd.analysis.spectral_analysis import SpectralAnalysis
from texture_kd.analysis.spectral_metric import SpectralAnalysisMetric

__all__ = ["SpectralAnalysis", "SpectralAnalysisMetric"]
