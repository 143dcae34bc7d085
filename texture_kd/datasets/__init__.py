"""Data sets: texture mosaics, CamVid, aerial images; and what is made of labels."""

from texture_kd.datasets.aerial import AerialDataset
from texture_kd.datasets.blockwise import BlockwiseAnnotation
from texture_kd.datasets.camvid import CamVidDataset
from texture_kd.datasets.components import LabelComponents, label_components
from texture_kd.datasets.mosaic import Mosaic, texture_mosaic
from texture_kd.datasets.mosaic_dataset import LoadTextureMosaic, TextureMosaicDataset
from texture_kd.registry import register

__all__ = [
    "AerialDataset",
    "BlockwiseAnnotation",
    "CamVidDataset",
    "LabelComponents",
    "LoadTextureMosaic",
    "Mosaic",
    "TextureMosaicDataset",
    "label_components",
    "texture_mosaic",
]

register("DATASETS", AerialDataset, CamVidDataset, TextureMosaicDataset)
register("TRANSFORMS", BlockwiseAnnotation, LabelComponents, LoadTextureMosaic)
