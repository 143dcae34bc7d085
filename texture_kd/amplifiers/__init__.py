"""Amplifiers of DS2D2: frozen heads of a teacher that judge a student's features."""

from .faster_rcnn import FasterRCNNAmplifier
from .retinanet import RetinaNetAmplifier
from .segmentation import SegmentationAmplifier

__all__ = ["FasterRCNNAmplifier", "RetinaNetAmplifier", "SegmentationAmplifier"]
