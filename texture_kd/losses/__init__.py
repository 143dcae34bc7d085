"""Losses: what compares the knowledge of teacher and student."""

from .adversarial import AdversarialLoss
from .pairwise import PairwiseKDLoss
from .response import ResponseKDLoss
from .statistical import DTIEMLoss
from .structural import CDMLoss

__all__ = [
    "AdversarialLoss",
    "CDMLoss",
    "DTIEMLoss",
    "PairwiseKDLoss",
    "ResponseKDLoss",
]
