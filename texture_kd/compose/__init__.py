"""Configs of distillations, of the configs of two networks."""

from texture_kd.compose.distillation import Distillation, distillation_model
from texture_kd.compose.files import Wanted, composed

__all__ = ["Distillation", "Wanted", "composed", "distillation_model"]
