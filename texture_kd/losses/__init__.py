"""Losses: what compares the knowledge of teacher and student."""

from .adversarial import AdversarialLoss
from .cwd import CWDLoss
from .ds2d2 import DS2D2Loss
from .fakd import FAKDLoss
from .faster_rcnn_amplifier import FasterRCNNAmplifier
from .fourier import FFTLoss
from .lsfd import LSFDLoss
from .pairwise import PairwiseKDLoss
from .response import ResponseKDLoss
from .retinanet_amplifier import RetinaNetAmplifier
from .segmentation_amplifier import SegmentationAmplifier
from .statistical import DTIEMLoss
from .structural import CDMLoss
from .texture import TextureLoss

__all__ = [
    "AdversarialLoss",
    "CDMLoss",
    "CWDLoss",
    "DS2D2Loss",
    "DTIEMLoss",
    "FAKDLoss",
    "FFTLoss",
    "FasterRCNNAmplifier",
    "LSFDLoss",
    "PairwiseKDLoss",
    "ResponseKDLoss",
    "RetinaNetAmplifier",
    "SegmentationAmplifier",
    "TextureLoss",
]
