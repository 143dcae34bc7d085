"""Losses: what compares the knowledge of teacher and student."""

from .adversarial import AdversarialLoss
from .ds2d2 import DS2D2Loss
from .fakd import FAKDLoss
from .feature import FeatureKDLoss
from .fourier import FFTLoss
from .lsfd import LSFDLoss
from .pairwise import PairwiseKDLoss
from .response import ResponseKDLoss
from .statistical import DTIEMLoss
from .structural import CDMLoss
from .texture import TextureLoss

__all__ = [
    "AdversarialLoss",
    "CDMLoss",
    "DS2D2Loss",
    "DTIEMLoss",
    "FAKDLoss",
    "FFTLoss",
    "FeatureKDLoss",
    "LSFDLoss",
    "PairwiseKDLoss",
    "ResponseKDLoss",
    "TextureLoss",
]
