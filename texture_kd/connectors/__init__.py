"""Connectors: what turns a recorded feature into knowledge."""

from .cdm import CDMConnector
from .dtiem import DTIEMConnector
from .lfd import LFDConnector

__all__ = ["CDMConnector", "DTIEMConnector", "LFDConnector"]
