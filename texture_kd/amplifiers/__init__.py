"""Amplifiers of DS2D2: frozen heads of a teacher that judge a student's features."""

from texture_kd.amplifiers.faster_rcnn import FasterRCNNAmplifier
from texture_kd.amplifiers.retinanet import RetinaNetAmplifier
from texture_kd.amplifiers.segmentation import SegmentationAmplifier
from texture_kd.registry import register

__all__ = ["FasterRCNNAmplifier", "RetinaNetAmplifier", "SegmentationAmplifier"]

register("MODELS", FasterRCNNAmplifier, RetinaNetAmplifier, SegmentationAmplifier)
