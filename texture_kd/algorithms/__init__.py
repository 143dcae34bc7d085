"""MMRazor algorithms."""

from texture_kd.algorithms.texture_distill import TextureDistill

__all__ = ["TextureDistill"]
