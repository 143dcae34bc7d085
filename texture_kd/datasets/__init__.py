"""Data sets: procedural texture mosaics, and CamVid; and weak labels of any."""

from texture_kd.datasets.blockwise import BlockwiseAnnotation
from texture_kd.datasets.camvid import CamVidDataset
from texture_kd.datasets.mosaic import Mosaic, texture_mosaic
from texture_kd.datasets.mosaic_dataset import LoadTextureMosaic, TextureMosaicDataset

__all__ = [
    "BlockwiseAnnotation",
    "CamVidDataset",
    "LoadTextureMosaic",
    "Mosaic",
    "TextureMosaicDataset",
    "texture_mosaic",
]
