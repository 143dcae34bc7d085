"""Connectors: what turns a recorded feature into knowledge."""

from .cdm import CDMConnector

__all__ = ["CDMConnector"]
