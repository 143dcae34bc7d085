"""Connected components of label maps, which DS2D2 weighs by their scale."""

from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData


def label_components(
    label: np.ndarray,
    ignore_index: int = 255,
    background: int | None = None,
    min_pixels: int = 1,
) -> np.ndarray:
    """Number the connected components of each class.

    Pixels are connected where they touch by a side or a corner.

    Args:
        label: integers (H, W), the class of each pixel.
        ignore_index: label of the pixels in no class.
        background: a class that has no components.
        min_pixels: smaller components do not count.

    Returns:
        int32 (H, W), the number of the component from 0, class by class, and -1 for
        none.

    Raises:
        ValueError: ``label`` is no (H, W) of integers.

    Example:
        >>> import numpy as np
        >>> label_components(np.array([[0, 1, 0], [1, 1, 255]])).tolist()
        [[0, 2, 1], [2, 2, -1]]
    """
    if label.ndim != 2 or not np.issubdtype(label.dtype, np.integer):
        raise ValueError(
            f"expected integer labels (H, W), got {label.dtype} with shape "
            f"{label.shape}"
        )
    ids = np.full(label.shape, -1, np.int32)
    count = 0
    for value in np.unique(label):
        if value in (ignore_index, background):
            continue
        mask = (label == value).astype(np.uint8)
        _, found, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        large = stats[:, cv2.CC_STAT_AREA] >= min_pixels
        # Number 0 is what is not of the class.
        large[0] = False
        numbers = np.where(large, count + large.cumsum() - 1, -1).astype(np.int32)
        ids = np.where(mask, numbers[found], ids)
        count += int(large.sum())
    return ids


class LabelComponents(BaseTransform):
    """Number the components of an image's labels, for ``DS2D2Loss``.

    .. code-block:: python

        train_pipeline = [..., dict(type="PackSegInputs"), dict(type="LabelComponents")]

    It stands last, behind ``PackSegInputs``, so that the components are those of the
    crop that is trained on. The data sample then has ``gt_components``, the result of
    :func:`~texture_kd.datasets.label_components` as (1, H, W).

    Args:
        ignore_index: label of the pixels in no class.
        background: a class that has no components.
        min_pixels: smaller components do not count.

    Raises:
        ValueError: ``min_pixels`` is below 1.
        KeyError: there is no data sample with labels yet.
    """

    def __init__(
        self,
        ignore_index: int = 255,
        background: int | None = None,
        min_pixels: int = 1,
    ) -> None:
        if min_pixels < 1:
            raise ValueError(f"expected min_pixels of at least 1, got {min_pixels}")
        self.ignore_index = ignore_index
        self.background = background
        self.min_pixels = min_pixels

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``gt_components`` to the data sample.

        Args:
            results: what ``PackSegInputs`` returns.

        Returns:
            The same dict.
        """
        sample = results.get("data_samples")
        if getattr(sample, "gt_sem_seg", None) is None:
            raise KeyError(
                "LabelComponents looks for components in the labels of a data sample, "
                "and there are none: put it behind PackSegInputs"
            )
        label = sample.gt_sem_seg.data[0].numpy()
        ids = label_components(
            label, self.ignore_index, self.background, self.min_pixels
        )
        sample.gt_components = PixelData(data=torch.from_numpy(ids)[None])
        return results

    def __repr__(self) -> str:
        """Return the options."""
        return (
            f"LabelComponents(ignore_index={self.ignore_index}, "
            f"background={self.background}, min_pixels={self.min_pixels})"
        )
