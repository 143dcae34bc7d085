"""Records the labels that a student is about to learn from."""

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from texture_kd.recorders.data_samples import DataSamplesRecorder

__all__ = ["GroundTruthRecorder"]


class GroundTruthRecorder(DataSamplesRecorder):
    """Record a pixel-wise annotation of the images that the student gets.

    In a config it is ``dict(type='GroundTruth', source='gt_sem_seg')`` among the
    student's recorders. It keeps no logits, as a recorder of the inputs of
    ``decode_head.loss_decode`` does. The record is (N, 1, H, W) for label maps, with
    their dtype; the images of a batch have one size. Where a sample has no such
    annotation nothing is recorded.

    Args:
        source: name of the annotation in MMSegmentation's data samples.
    """

    def __init__(self, source: str) -> None:
        super().__init__(source)

    def found(
        self, images: Tensor, samples: Sequence[BaseDataElement] | None
    ) -> list[Tensor]:
        """Return the annotations, or nothing where a sample has none."""
        items = [sample.get(self.source) for sample in samples or ()]
        # An image without labels can be looked at.
        if not items or any(item is None for item in items):
            return []
        return [torch.stack([item.data for item in items])]
