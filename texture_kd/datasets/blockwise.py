"""Weak labels of coarse blocks: Sec. 3.3 of the spectral analysis."""

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from texture_kd.functional import blockwise_labels
from texture_kd.functional.blockwise_labels import Blocks, check_blocks


class BlockwiseAnnotation(BaseTransform):
    """Coarsen the annotation of an image to the grid of a band limit.

    .. code-block:: python

        train_pipeline = [
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations"),
            dict(type="BlockwiseAnnotation", limit=16),  # 33 x 33 blocks an image
            ...,
        ]

    After a crop the blocks are the crop's, as in the paper. Leave it out of the
    pipeline of validation, which is on the labels of the pixels.

    Args:
        limit: highest frequency, in periods an image: the grid has 2 limit + 1 cells
            along each axis.
        mode: ``nearest``, ``majority`` or ``bandlimit``, see
            :func:`~texture_kd.functional.blockwise_labels`.
        ignore_index: label of pixels that do not count.

    Raises:
        ValueError: the limit is negative or the mode is unknown.
        KeyError: no annotation has been loaded.
    """

    def __init__(
        self, limit: int, mode: Blocks = "nearest", ignore_index: int = 255
    ) -> None:
        check_blocks(limit, mode)
        self.limit = limit
        self.mode = mode
        self.ignore_index = ignore_index

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Coarsen the label maps.

        Args:
            results: with the maps (H, W) that ``seg_fields`` names.

        Returns:
            The same dict.
        """
        if not results.get("seg_fields"):
            raise KeyError(
                "BlockwiseAnnotation coarsens annotations, and there are none: put it "
                "after LoadAnnotations"
            )
        for key in results["seg_fields"]:
            label = torch.from_numpy(np.ascontiguousarray(results[key]))
            results[key] = blockwise_labels(
                label, self.limit, self.mode, self.ignore_index
            ).numpy()
        return results

    def __repr__(self) -> str:
        """Return the options."""
        return (
            f"BlockwiseAnnotation(limit={self.limit}, mode={self.mode!r}, "
            f"ignore_index={self.ignore_index})"
        )
