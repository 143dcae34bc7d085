"""MMRazor algorithms."""

from texture_kd.algorithms.texture_distill import TextureDistill
from texture_kd.registry import register

__all__ = ["TextureDistill"]

register("MODELS", TextureDistill)
