"""Records the labels that a student is about to learn from."""

from collections.abc import Mapping

import torch
from mmrazor.models.task_modules.recorder.base_recorder import BaseRecorder
from torch import nn

__all__ = ["GroundTruthRecorder"]


class GroundTruthRecorder(BaseRecorder):
    """Record a pixel-wise annotation of the images that the student gets.

    In a config it is ``dict(type='GroundTruth', source='gt_sem_seg')`` among the
    student's recorders. It has the labels before the student runs, so that losses of
    its early features can be computed early; and it keeps no logits, as a recorder of
    the inputs of ``decode_head.loss_decode`` does. The record is (N, 1, H, W) for label
    maps, with their dtype; the images of a batch have one size. Where a sample has no
    such annotation nothing is recorded.

    Args:
        source: name of the annotation in MMSegmentation's data samples.
    """

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._recording = False

    def prepare_from_model(self, model: nn.Module | None = None) -> None:
        """Listen to what the student is given.

        Args:
            model: the student, a segmentor.
        """
        model.register_forward_pre_hook(self._record, with_kwargs=True)

    def _record(self, model: nn.Module, args: tuple, kwargs: Mapping) -> None:
        if not self._recording:
            return
        samples = kwargs.get("data_samples", args[1] if len(args) > 1 else None)
        found = [sample.get(self.source) for sample in samples or []]
        # An image without labels can be looked at.
        if found and all(item is not None for item in found):
            self.data_buffer.append(torch.stack([item.data for item in found]))

    def __enter__(self) -> None:
        """Start to record."""
        super().__enter__()
        self._recording = True

    def __exit__(self, *exception: object) -> None:
        """Stop to record."""
        super().__exit__(*exception)
        self._recording = False
