"""CamVid with eleven classes, in the layout that our converter writes."""

from collections.abc import Sequence
from typing import Any, ClassVar

import mmcv
import mmengine.fileio as fileio
import numpy as np
from mmseg.datasets import BaseSegDataset

__all__ = ["CamVidDataset"]

_VOID = 11
_IGNORED = 255
_CONVERTER = "python tools/dataset_converters/camvid.py SRC --out-dir DATA_ROOT"


class CamVidDataset(BaseSegDataset):
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

    def __init__(
        self, img_suffix: str = ".png", seg_map_suffix: str = ".png", **kwargs: Any
    ) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    @classmethod
    def get_label_map(cls, new_classes: Sequence[str] | None = None) -> dict[int, int]:
        """Map the values of the label files to training labels.

        Args:
            new_classes: Names of the chosen classes, in the order wanted; ``None``
                for all.

        Returns:
            Old value to new; void and the classes left out become 255.

        Raises:
            ValueError: If a name is not one of CamVid's classes.
        """
        return {**(super().get_label_map(new_classes) or {}), _VOID: _IGNORED}

    def load_data_list(self) -> list[dict]:
        """List the pairs of image and label file, after looking at what is there.

        Returns:
            One dict an image, as ``BaseSegDataset`` makes it.

        Raises:
            FileNotFoundError: If a folder or a file is missing.
            ValueError: If the first label file is no single-channel map of 0..11.
        """
        suffixes = {"img_path": self.img_suffix, "seg_map_path": self.seg_map_suffix}
        for prefix, suffix in suffixes.items():
            if self.data_prefix.get(prefix) is not None:
                self._check_folder(self.data_prefix[prefix], suffix)
        items = super().load_data_list()
        labels = [item["seg_map_path"] for item in items if "seg_map_path" in item]
        self._check_present([item["img_path"] for item in items] + labels)
        if labels:
            self._check_values(labels[0])
        return items

    def _check_folder(self, folder: str, suffix: str) -> None:
        if not fileio.isdir(folder, backend_args=self.backend_args):
            raise FileNotFoundError(
                f"CamVid's folder {folder} does not exist: set data_root, or make it "
                f"with `{_CONVERTER}`"
            )
        found = sorted(
            fileio.list_dir_or_file(
                folder, list_dir=False, recursive=True, backend_args=self.backend_args
            )
        )
        if not any(name.endswith(suffix) for name in found):
            held = f"files such as {found[0]}" if found else "no files"
            raise FileNotFoundError(
                f"CamVid's folder {folder} should hold files that end in {suffix!r}, "
                f"but holds {held}: set img_suffix or seg_map_suffix, or fill it with "
                f"`{_CONVERTER}`"
            )

    def _check_present(self, paths: list[str]) -> None:
        missing = [
            path
            for path in paths
            if not fileio.exists(path, backend_args=self.backend_args)
        ]
        if missing:
            raise FileNotFoundError(
                f"CamVid lacks {len(missing)} files, the first is {missing[0]}: every "
                "image needs a label file of its name"
            )

    def _check_values(self, path: str) -> None:
        # Pillow leaves palette images as indices, as MMSeg's LoadAnnotations does.
        label = mmcv.imfrombytes(
            fileio.get(path, backend_args=self.backend_args),
            flag="unchanged",
            backend="pillow",
        ).squeeze()
        if label.ndim != 2:
            raise ValueError(
                f"{path} should be a single-channel map of labels 0..{_VOID}, but is "
                f"a picture of shape {label.shape}"
            )
        strange = np.unique(label[label > _VOID])
        if strange.size:
            raise ValueError(
                f"{path} should hold labels 0..{_VOID} ({_VOID} is void), but holds "
                f"{strange.tolist()}"
            )
