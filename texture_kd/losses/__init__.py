"""Losses: what compares the knowledge of teacher and student."""

from .response import ResponseKDLoss
from .statistical import DTIEMLoss
from .structural import CDMLoss

__all__ = ["CDMLoss", "DTIEMLoss", "ResponseKDLoss"]
