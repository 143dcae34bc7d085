"""A data set of images and label files that looks at its files before training."""

from collections.abc import Sequence
from typing import ClassVar

import mmcv
import mmengine.fileio as fileio
import numpy as np
from mmseg.datasets import BaseSegDataset

IGNORED = 255


class CheckedSegDataset(BaseSegDataset):
    """``BaseSegDataset`` of PNG files, whose folders and first label file are checked.

    A subclass gives ``METAINFO``, ``NAME`` and ``CONVERTER`` for messages, and
    ``VOID``, the value of the label files that is no class. It becomes 255, the index
    that MMSegmentation's heads and metrics ignore.
    """

    NAME: ClassVar[str]
    CONVERTER: ClassVar[str]
    VOID: ClassVar[int] = IGNORED

    def __init__(
        self, img_suffix: str = ".png", seg_map_suffix: str = ".png", **kwargs
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
            ValueError: If a name is not one of the data set's classes.
        """
        return {**(super().get_label_map(new_classes) or {}), cls.VOID: IGNORED}

    def load_data_list(self) -> list[dict]:
        """List the pairs of image and label file, after looking at what is there.

        Returns:
            One dict an image, as ``BaseSegDataset`` makes it.

        Raises:
            FileNotFoundError: If a folder or a file is missing.
            ValueError: If the first label file is no single-channel map of labels.
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
                f"{self.NAME}'s folder {folder} does not exist: set data_root, or make "
                f"it with `{self._command()}`"
            )
        found = sorted(
            fileio.list_dir_or_file(
                folder, list_dir=False, recursive=True, backend_args=self.backend_args
            )
        )
        if not any(name.endswith(suffix) for name in found):
            held = f"files such as {found[0]}" if found else "no files"
            raise FileNotFoundError(
                f"{self.NAME}'s folder {folder} should hold files that end in "
                f"{suffix!r}, but holds {held}: set img_suffix or seg_map_suffix, or "
                f"fill it with `{self._command()}`"
            )

    def _command(self) -> str:
        return (
            f"python tools/dataset_converters/{self.CONVERTER} SRC --out-dir DATA_ROOT"
        )

    def _check_present(self, paths: list[str]) -> None:
        missing = [
            path
            for path in paths
            if not fileio.exists(path, backend_args=self.backend_args)
        ]
        if missing:
            raise FileNotFoundError(
                f"{self.NAME} lacks {len(missing)} files, the first is {missing[0]}: "
                "every image needs a label file of its name"
            )

    def _check_values(self, path: str) -> None:
        # Pillow leaves palette images as indices, as MMSeg's LoadAnnotations does.
        label = mmcv.imfrombytes(
            fileio.get(path, backend_args=self.backend_args),
            flag="unchanged",
            backend="pillow",
        ).squeeze()
        last = len(self.METAINFO["classes"]) - 1
        wanted = f"labels 0..{last} and {self.VOID} for void"
        if label.ndim != 2:
            raise ValueError(
                f"{path} should be a single-channel map of {wanted}, but is a picture "
                f"of shape {label.shape}"
            )
        strange = np.unique(label[(label > last) & (label != self.VOID)])
        if strange.size:
            raise ValueError(
                f"{path} should hold {wanted}, but holds {strange.tolist()}"
            )
