"""Segmentors for MMSegmentation."""

from texture_kd.registry import register
from texture_kd.segmentors.encoder_decoder_with_image import EncoderDecoderWithImage
from texture_kd.segmentors.high_frequency import HighFrequencyEncoderDecoder

__all__ = ["EncoderDecoderWithImage", "HighFrequencyEncoderDecoder"]

register("MODELS", EncoderDecoderWithImage, HighFrequencyEncoderDecoder)
