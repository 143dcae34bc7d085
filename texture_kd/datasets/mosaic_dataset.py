"""The mosaics as an MMSegmentation data set that needs no download."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.datasets import BaseSegDataset

from texture_kd.datasets.mosaic import (
    Split,
    check_identity,
    check_knobs,
    texture_mosaic,
)
from texture_kd.datasets.textures import TEXTURES

__all__ = ["LoadTextureMosaic", "TextureMosaicDataset"]

# One hue for each direction, dark for the fine scale and light for the coarse one;
# greys and warm colours for the distributions of intensities.
_PALETTE = [
    [0, 90, 160],
    [0, 120, 60],
    [120, 40, 140],
    [90, 180, 250],
    [90, 210, 140],
    [210, 130, 230],
    [128, 128, 128],
    [200, 200, 200],
    [60, 60, 60],
    [250, 210, 60],
    [150, 80, 20],
    [230, 80, 50],
]


class TextureMosaicDataset(BaseSegDataset):
    """Mosaics of twelve classes that only their texture tells apart.

    Six classes differ in the direction and the scale of ridges, and six in the
    distribution of intensities under one power spectrum; colour, mean and variance
    are drawn at random for every region and say nothing
    (see :func:`~texture_kd.datasets.mosaic.texture_mosaic`). The pictures are drawn
    by the pipeline's :class:`LoadTextureMosaic`; there are no files.

    Warning:
        Leave ``RandomFlip`` and every resize out of the pipeline: a flip turns
        ``fine_60deg`` into ``fine_120deg`` and a resize turns coarse into fine, while
        the labels stay. ``RandomCrop`` is safe.

    Args:
        split: ``'train'``, ``'val'`` or ``'test'``: disjoint streams of images.
        length: Number of images, at least 1.
        seed: Seed of the data set, not negative.
        metainfo: As in MMSegmentation; ``dict(classes=...)`` picks a subset, and the
            other classes become 255, ignored.
        pipeline: Transforms; the first is ``LoadTextureMosaic``.
        test_mode: As in MMSegmentation.
        lazy_init: Whether to leave the list of images for later.

    Raises:
        ValueError: If ``split`` is unknown, ``length`` is below 1 or ``seed`` is
            negative.
    """

    METAINFO: ClassVar[dict] = dict(classes=tuple(TEXTURES), palette=_PALETTE)

    def __init__(
        self,
        split: Split,
        length: int,
        seed: int = 0,
        metainfo: dict | None = None,
        pipeline: Sequence[dict | Callable] = (),
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        check_identity(seed, split)
        if length < 1:
            raise ValueError(f"length must be at least 1, got {length}")
        self.split = split
        self.length = length
        self.seed = seed
        super().__init__(
            metainfo=metainfo,
            pipeline=pipeline,
            test_mode=test_mode,
            lazy_init=lazy_init,
        )

    def load_data_list(self) -> list[dict]:
        """List what :class:`LoadTextureMosaic` needs to draw each image.

        Returns:
            One dict an image with ``seed``, ``split``, ``index`` (from 0),
            ``img_path`` (a name for reports; no such file exists), ``label_map``,
            ``reduce_zero_label`` and an empty ``seg_fields``.
        """
        return [
            dict(
                img_path=f"texture_mosaic/{self.split}/seed{self.seed}_{index:06d}.png",
                seed=self.seed,
                split=self.split,
                index=index,
                label_map=self.label_map,
                reduce_zero_label=self.reduce_zero_label,
                seg_fields=[],
            )
            for index in range(self.length)
        ]


class LoadTextureMosaic(BaseTransform):
    """Draw a mosaic in place of reading an image and its annotation.

    Takes the place of both ``LoadImageFromFile`` and ``LoadAnnotations``: it reads
    ``seed``, ``index``, ``split`` and ``label_map``, and adds ``img`` (uint8, (H, W,
    3)), ``gt_seg_map`` (uint8, (H, W), class indices or 255), ``seg_fields``,
    ``img_shape`` and ``ori_shape`` (both (H, W)).

    Args:
        size: Height and width in pixels, each at least 32.
        regions: Least and greatest number of regions in an image.
        noise: Standard deviation of the white noise in grey levels of 0..255.

    Raises:
        ValueError: If an argument makes no mosaic, see
            :func:`~texture_kd.datasets.mosaic.texture_mosaic`.
    """

    def __init__(
        self,
        size: tuple[int, int] = (128, 128),
        regions: tuple[int, int] = (6, 16),
        noise: float = 6.0,
    ) -> None:
        check_knobs(size, regions, noise)
        # Lists come from config files; the generator keeps its filters by size.
        self.size = tuple(size)
        self.regions = tuple(regions)
        self.noise = noise

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the picture and the label map to ``results``.

        Args:
            results: An item of :class:`TextureMosaicDataset`.

        Returns:
            The same dict with the keys that the class names.
        """
        image, label = texture_mosaic(
            results["seed"],
            results["index"],
            results["split"],
            self.size,
            self.regions,
            self.noise,
        )
        results["img"] = image
        results["gt_seg_map"] = _relabel(label, results["label_map"])
        results["seg_fields"] = ["gt_seg_map"]
        results["img_shape"] = results["ori_shape"] = self.size
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(size={self.size}, regions={self.regions}, "
            f"noise={self.noise})"
        )


def _relabel(label: np.ndarray, label_map: dict[int, int] | None) -> np.ndarray:
    """Apply MMSegmentation's map from all classes to the chosen ones."""
    if label_map is None:
        return label
    table = np.array([label_map[old] for old in range(len(TEXTURES))], np.uint8)
    return table[label]
