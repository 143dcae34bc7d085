"""Decode heads for MMSegmentation."""

from texture_kd.decode_heads.deeplab_v3_plus import DeepLabV3PlusHead
from texture_kd.decode_heads.spectral_truncation import (
    SpectralTruncationHead,
    truncation_options,
)

__all__ = ["DeepLabV3PlusHead", "SpectralTruncationHead", "truncation_options"]
