"""What networks do, measured over data sets: spectra, boundaries, scores."""

from texture_kd.analysis.final_score import FinalScoreMetric
from texture_kd.analysis.spectral_analysis import SpectralAnalysis
from texture_kd.analysis.spectral_metric import SpectralAnalysisMetric
from texture_kd.analysis.trimap_iou import TrimapIoUMetric
from texture_kd.registry import register

__all__ = [
    "FinalScoreMetric",
    "SpectralAnalysis",
    "SpectralAnalysisMetric",
    "TrimapIoUMetric",
]

register("METRICS", FinalScoreMetric, SpectralAnalysisMetric, TrimapIoUMetric)
