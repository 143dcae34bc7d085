"""CamVid with eleven classes, in the layout that our converter writes."""

from typing import ClassVar

from texture_kd.datasets.checked import CheckedSegDataset

__all__ = ["CamVidDataset"]


class CamVidDataset(CheckedSegDataset):
    """CamVid: street scenes of 480x360 pixels, eleven classes.

    Layout: ``data_root/images/{train,val,test}`` and
    ``data_root/labels/{train,val,test}`` with equal file names but for the suffixes.
    Label files hold 0..10 for the classes and 11 for void, which becomes 255, the
    index that MMSegmentation's heads and metrics ignore.

    The first label file is opened when the list is loaded, so that colour-coded or
    32-class labels are refused before training.

    Args:
        img_suffix: Suffix of the images.
        seg_map_suffix: Suffix of the label files.
        **kwargs: All else that ``mmseg.datasets.BaseSegDataset`` takes, such as
            ``data_root``, ``data_prefix``, ``pipeline`` and ``metainfo``.

    Raises:
        FileNotFoundError: If a folder is missing, holds no file of the suffix, or
            an image has no label file.
        ValueError: If the first label file is no single-channel map of 0..11.
    """

    NAME = "CamVid"
    CONVERTER = "camvid.py"
    VOID = 11
    METAINFO: ClassVar[dict] = dict(
        classes=(
            "sky",
            "building",
            "pole",
            "road",
            "pavement",
            "tree",
            "sign",
            "fence",
            "car",
            "pedestrian",
            "bicyclist",
        ),
        palette=[
            [128, 128, 128],
            [128, 0, 0],
            [192, 192, 128],
            [128, 64, 128],
            [60, 40, 222],
            [128, 128, 0],
            [192, 128, 128],
            [64, 64, 128],
            [64, 0, 128],
            [64, 64, 0],
            [0, 128, 192],
        ],
    )
