"""Losses: what compares the knowledge of teacher and student."""

from texture_kd.losses.adversarial import AdversarialLoss
from texture_kd.losses.cwd import CWDLoss
from texture_kd.losses.ds2d2 import DS2D2Loss
from texture_kd.losses.fakd import FAKDLoss
from texture_kd.losses.faster_rcnn_amplifier import FasterRCNNAmplifier
from texture_kd.losses.fourier import FFTLoss
from texture_kd.losses.lsfd import LSFDLoss
from texture_kd.losses.pairwise import PairwiseKDLoss
from texture_kd.losses.response import ResponseKDLoss
from texture_kd.losses.retinanet_amplifier import RetinaNetAmplifier
from texture_kd.losses.segmentation_amplifier import SegmentationAmplifier
from texture_kd.losses.statistical import DTIEMLoss
from texture_kd.losses.structural import CDMLoss
from texture_kd.losses.texture import TextureLoss
from texture_kd.registry import register

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

register(
    "MODELS",
    AdversarialLoss,
    CDMLoss,
    CWDLoss,
    DS2D2Loss,
    DTIEMLoss,
    FAKDLoss,
    FFTLoss,
    FasterRCNNAmplifier,
    LSFDLoss,
    PairwiseKDLoss,
    ResponseKDLoss,
    RetinaNetAmplifier,
    SegmentationAmplifier,
    TextureLoss,
)
