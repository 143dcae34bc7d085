"""Connected components of label maps, which DS2D2 weighs by their scale."""

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


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
        int32 (H, W), the number of the component from 0, and -1 for none.

    Raises:
        ValueError: ``label`` is no (H, W) of integers.

    Example:
        >>> import numpy as np
        >>> label_components(np.array([[0, 1, 0], [1, 1, 255]])).tolist()
        [[0, 1, 2], [1, 1, -1]]
    """
    if label.ndim != 2 or not np.issubdtype(label.dtype, np.integer):
        raise ValueError(
            f"expected integer labels (H, W), got {label.dtype} with shape "
            f"{label.shape}"
        )
    runs = _runs(label)
    pairs = _touching(label, runs)
    count = int(runs[-1, -1]) + 1 if runs.size else 0
    graph = coo_array((np.ones(len(pairs[0]), bool), pairs), (count, count))
    _, component = connected_components(graph, directed=False)
    ids = component[runs]
    counts = ~np.isin(label, [v for v in (ignore_index, background) if v is not None])
    large = np.bincount(ids[counts], minlength=count) >= min_pixels
    numbers = np.where(large, large.cumsum() - 1, -1).astype(np.int32)
    return np.where(counts, numbers[ids], np.int32(-1))


def _runs(label: np.ndarray) -> np.ndarray:
    """Number the runs of equal pixels along the rows."""
    starts = np.ones(label.shape, bool)
    starts[:, 1:] = label[:, 1:] != label[:, :-1]
    return starts.cumsum().reshape(label.shape) - 1


def _touching(label: np.ndarray, runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of runs of one class that touch from row to row."""
    pairs = []
    width = label.shape[1]
    # Above, and across both corners.
    for shift in (0, 1, -1):
        upper = np.s_[:-1, max(shift, 0) : width + min(shift, 0)]
        lower = np.s_[1:, max(-shift, 0) : width + min(-shift, 0)]
        same = label[upper] == label[lower]
        found = np.stack([runs[upper][same], runs[lower][same]])
        # Two runs touch along many pixels.
        new = np.ones(found.shape[1], bool)
        new[1:] = (found[:, 1:] != found[:, :-1]).any(0)
        pairs.append(found[:, new])
    first, second = np.concatenate(pairs, 1)
    return first, second


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
