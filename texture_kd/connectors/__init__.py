"""Connectors: what turns a recorded feature into knowledge."""

from .cdm import CDMConnector
from .dtiem import DTIEMConnector

__all__ = ["CDMConnector", "DTIEMConnector"]
