"""Connectors: what turns a recorded feature into knowledge."""

from texture_kd.connectors.cdm import CDMConnector
from texture_kd.connectors.dtiem import DTIEMConnector
from texture_kd.connectors.lfd import LFDConnector
from texture_kd.registry import register

__all__ = ["CDMConnector", "DTIEMConnector", "LFDConnector"]

register("MODELS", CDMConnector, DTIEMConnector, LFDConnector)
