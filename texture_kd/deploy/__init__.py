"""Students that leave home: networks, configs and weights without this package."""

from texture_kd.deploy.adaptive_mean import AdaptiveMean
from texture_kd.deploy.checkpoint import (
    read_checkpoint,
    student_weights,
    trained_config,
)
from texture_kd.deploy.config import left_out, package_types, student_config
from texture_kd.deploy.onnx_graph import export_onnx, largest_difference

__all__ = [
    "AdaptiveMean",
    "export_onnx",
    "largest_difference",
    "left_out",
    "package_types",
    "read_checkpoint",
    "student_config",
    "student_weights",
    "trained_config",
]
