"""Aerial images of Dubai with five classes, in the layout that our converter writes."""

from typing import ClassVar

from texture_kd.datasets.checked import CheckedSegDataset

__all__ = ["AerialDataset"]


class AerialDataset(CheckedSegDataset):
    """Aerial images by Humans in the Loop and MBRSC, cut into tiles, five classes.

    Layout: ``data_root/images/{train,val,test}`` and
    ``data_root/labels/{train,val,test}`` with equal file names. Label files hold 0..4
    for the classes and 255 for what is ignored. The palette has the colours of the
    published masks.

    The first label file is opened when the list is loaded, so that colour-coded masks
    are refused before training.

    Args:
        img_suffix: Suffix of the images.
        seg_map_suffix: Suffix of the label files.
        **kwargs: All else that ``mmseg.datasets.BaseSegDataset`` takes, such as
            ``data_root``, ``data_prefix``, ``pipeline`` and ``metainfo``.

    Raises:
        FileNotFoundError: If a folder is missing, holds no file of the suffix, or
            an image has no label file.
        ValueError: If the first label file is no single-channel map of 0..4 and 255.
    """

    NAME = "AerialDataset"
    CONVERTER = "aerial.py"
    METAINFO: ClassVar[dict] = dict(
        classes=("land", "water", "building", "vegetation", "road"),
        palette=[
            [132, 41, 246],
            [226, 169, 41],
            [60, 16, 152],
            [254, 221, 58],
            [110, 193, 228],
        ],
    )
