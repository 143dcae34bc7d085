"""Detectors for MMDetection, which is needed to import them.

``custom_imports = dict(imports=["texture_kd.detectors"])`` in a config registers them
under the scope ``texture_kd``.
"""

from texture_kd.detectors.high_frequency import (
    HighFrequencyFasterRCNN,
    HighFrequencyRetinaNet,
)
from texture_kd.registry import MODELS

__all__ = ["HighFrequencyFasterRCNN", "HighFrequencyRetinaNet"]

for _detector in (HighFrequencyFasterRCNN, HighFrequencyRetinaNet):
    MODELS.register_module(module=_detector)
