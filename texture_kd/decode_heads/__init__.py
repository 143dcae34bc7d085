"""Decode heads for MMSegmentation."""

from texture_kd.decode_heads.deeplab_v3_plus import DeepLabV3PlusHead
from texture_kd.decode_heads.dense_local_context import DenseLocalContext
from texture_kd.decode_heads.duc_dlc import DUCDLCHead
from texture_kd.decode_heads.guided_upsampling import GuidedUpsampling
from texture_kd.decode_heads.lean_psp import LeanPSPHead
from texture_kd.decode_heads.spectral_truncation import (
    SpectralTruncationHead,
    truncation_options,
)
from texture_kd.registry import register

__all__ = [
    "DUCDLCHead",
    "DeepLabV3PlusHead",
    "DenseLocalContext",
    "GuidedUpsampling",
    "LeanPSPHead",
    "SpectralTruncationHead",
    "truncation_options",
]

register("MODELS", DUCDLCHead, DeepLabV3PlusHead, LeanPSPHead, SpectralTruncationHead)
