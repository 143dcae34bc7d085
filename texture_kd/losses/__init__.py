"""Losses: what compares the knowledge of teacher and student."""

from texture_kd.losses.adversarial import AdversarialLoss
from texture_kd.losses.cwd import CWDLoss
from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.losses.ds2d2 import DS2D2Loss
from texture_kd.losses.fakd import FAKDLoss
from texture_kd.losses.feature import FeatureKDLoss
from texture_kd.losses.fourier import FFTLoss
from texture_kd.losses.lsfd import LSFDLoss
from texture_kd.losses.pairwise import PairwiseKDLoss
from texture_kd.losses.response import ResponseKDLoss
from texture_kd.losses.statistical import DTIEMLoss
from texture_kd.losses.structural import CDMLoss
from texture_kd.losses.texture import TextureLoss

__all__ = [
    "AdversarialLoss",
    "CDMLoss",
    "CWDLoss",
    "DS2D2Loss",
    "DTIEMLoss",
    "DistillationLoss",
    "FAKDLoss",
    "FFTLoss",
    "FeatureKDLoss",
    "LSFDLoss",
    "PairwiseKDLoss",
    "ResponseKDLoss",
    "TextureLoss",
]
