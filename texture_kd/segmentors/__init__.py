"""Segmentors for MMSegmentation."""

from texture_kd.segmentors.encoder_decoder_with_image import EncoderDecoderWithImage

__all__ = ["EncoderDecoderWithImage"]
