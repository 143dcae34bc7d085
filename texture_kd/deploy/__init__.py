"""Students that leave home: networks, configs and weights without this package."""

from texture_kd.deploy.adaptive_mean import AdaptiveMean
from texture_kd.deploy.checkpoint import (
    read_checkpoint,
    student_weights,
    trained_config,
)
from texture_kd.deploy.config import left_out, package_types, student_config
from texture_kd.deploy.onnx_graph import export_onnx, largest_difference
from texture_kd.deploy.preparation import Preparation, preparation
from texture_kd.deploy.same_convolution import SameConv2d

__all__ = [
    "AdaptiveMean",
    "Preparation",
    "SameConv2d",
    "export_onnx",
    "largest_difference",
    "left_out",
    "package_types",
    "preparation",
    "read_checkpoint",
    "student_config",
    "student_weights",
    "trained_config",
]
