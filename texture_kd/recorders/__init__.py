"""Recorders: what MMRazor's connectors and losses are given of a network."""

from texture_kd.recorders.data_samples import DataSamplesRecorder
from texture_kd.recorders.ground_truth import GroundTruthRecorder
from texture_kd.recorders.valid_area import ValidAreaRecorder

__all__ = ["DataSamplesRecorder", "GroundTruthRecorder", "ValidAreaRecorder"]
