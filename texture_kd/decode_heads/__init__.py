"""Decode heads for MMSegmentation."""

from texture_kd.decode_heads.spectral_truncation import SpectralTruncationHead

__all__ = ["SpectralTruncationHead"]
