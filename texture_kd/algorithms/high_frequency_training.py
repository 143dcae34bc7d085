"""Training a teacher's head anew on details alone: DS2D2's high-frequency amplifier."""

import logging
from collections.abc import Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from texture_kd.algorithms.teacher_checkpoint import load_whole, read_teacher
from texture_kd.connectors.high_frequency import HighFrequencyMaps
from texture_kd.functional.wavelet import HighFrequency

__all__ = ["HighFrequencyTraining"]


class HighFrequencyTraining:
    """What makes a network of MMSegmentation or MMDetection an amplifier's training.

    To be named before it among the bases of a class. Backbone and neck are the
    teacher's, frozen and in eval mode, so that the statistics of their norms stay. All
    else begins as the teacher's and learns by its own losses to predict from
    :func:`~texture_kd.functional.high_frequency` maps of the features. The checkpoint
    is for the ``high`` amplifier of :class:`~texture_kd.losses.DS2D2Loss`.

    Args:
        teacher_ckpt: path or URL of the teacher's checkpoint, which is loaded when the
            weights are initialised, and has to fit. Without it nothing is loaded.
        mode: what is made of the bands of details.
        **options: those of the network, the teacher's.

    Raises:
        ValueError: an option is unknown.
    """

    def __init__(
        self,
        teacher_ckpt: str | None = None,
        mode: HighFrequency = "sum",
        **options,
    ) -> None:
        super().__init__(**options)
        self.teacher_ckpt = teacher_ckpt
        channels = self.read_channels() if mode == "concat" else ()
        self.high_frequency = HighFrequencyMaps(channels, mode)
        for part in self._frozen():
            part.requires_grad_(False)

    def read_channels(self) -> Sequence[int]:
        """Return the channels of the levels that are read."""
        raise NotImplementedError

    def read_levels(self, count: int) -> Sequence[int]:
        """Return which of so many levels are read; all of them by default."""
        return range(count)

    def init_weights(self) -> None:
        """Load the teacher's weights.

        Raises:
            FileNotFoundError: there is no such checkpoint.
            RuntimeError: it is truncated or corrupt.
            ValueError: it does not fit; the message names the weight.
        """
        super().init_weights()
        if self.teacher_ckpt is None:
            print_log(
                f"{type(self).__name__} has no teacher_ckpt: unless its weights are "
                "loaded otherwise, the head learns from a backbone that is frozen at "
                "random.",
                logger="current",
                level=logging.WARNING,
            )
        else:
            state, _ = read_teacher(self.teacher_ckpt)
            load_whole(self, state, self.teacher_ckpt, optional=("high_frequency.",))

    def train(self, mode: bool = True) -> "HighFrequencyTraining":
        """Set the mode of what is trained; backbone and neck stay in eval mode."""
        super().train(mode)
        for part in self._frozen():
            part.eval()
        return self

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the maps that are read.

        Args:
            inputs: images (N, 3, H, W).

        Returns:
            Maps (N, C, h, w) in the places of the features, None for those that nothing
            reads.
        """
        with torch.no_grad():
            features = super().extract_feat(inputs)
        levels = self.read_levels(len(features))
        maps = self.high_frequency([features[level] for level in levels])
        seen = dict(zip(levels, maps, strict=True))
        return tuple(seen.get(level) for level in range(len(features)))

    def _frozen(self) -> list[nn.Module]:
        return [self.backbone, *([self.neck] if self.with_neck else [])]
