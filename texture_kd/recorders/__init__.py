"""Recorders: what MMRazor's connectors and losses are given of a network."""

from texture_kd.recorders.data_samples import DataSamplesRecorder
from texture_kd.recorders.ground_truth import GroundTruthRecorder
from texture_kd.recorders.stages import StagesRecorder
from texture_kd.recorders.valid_area import ValidAreaRecorder
from texture_kd.registry import register

__all__ = [
    "DataSamplesRecorder",
    "GroundTruthRecorder",
    "StagesRecorder",
    "ValidAreaRecorder",
]

# MMRazor adds "Recorder" to what a config says.
register(
    "TASK_UTILS",
    DataSamplesRecorder,
    GroundTruthRecorder,
    StagesRecorder,
    ValidAreaRecorder,
)
