"""Losses: what compares the knowledge of teacher and student."""

from .response import ResponseKDLoss
from .structural import CDMLoss

__all__ = ["CDMLoss", "ResponseKDLoss"]
