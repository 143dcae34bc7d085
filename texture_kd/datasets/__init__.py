"""Data sets: procedural texture mosaics, and CamVid."""

from texture_kd.datasets.camvid import CamVidDataset
from texture_kd.datasets.mosaic import Mosaic, texture_mosaic
from texture_kd.datasets.mosaic_dataset import LoadTextureMosaic, TextureMosaicDataset

__all__ = [
    "CamVidDataset",
    "LoadTextureMosaic",
    "Mosaic",
    "TextureMosaicDataset",
    "texture_mosaic",
]
