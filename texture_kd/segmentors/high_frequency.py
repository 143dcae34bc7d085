"""A segmentor that learns to see by details alone: DS2D2's high-frequency amplifier."""

import torch
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor

from texture_kd.algorithms.teacher_checkpoint import load_whole, read_checkpoint
from texture_kd.connectors.high_frequency import (
    HighFrequencyMaps,
    read_channels,
    read_levels,
    single_head,
)
from texture_kd.functional.wavelet import HaarPadding, HighFrequency


class HighFrequencyEncoderDecoder(EncoderDecoder):
    """Train a teacher's decode head anew on the details of its own features.

    Backbone and neck are the teacher's, frozen and in eval mode, so that the statistics
    of their norms stay. The head begins as the teacher's and learns by its own loss to
    predict from :func:`~texture_kd.functional.high_frequency` maps of the features. The
    checkpoint is for the ``high`` amplifier of :class:`~texture_kd.losses.DS2D2Loss`.

    Args:
        teacher_ckpt: path or URL of the teacher's checkpoint, which is loaded when the
            weights are initialised, and has to fit. Without it nothing is loaded.
        mode: what is made of the bands of details.
        padding: what stands behind odd sizes in the Haar transform.
        **options: those of ``EncoderDecoder``, the teacher's, without auxiliary head.

    Raises:
        ValueError: there is an auxiliary head or a cascade of heads, or an option is
            unknown.
    """

    def __init__(
        self,
        teacher_ckpt: str | None = None,
        mode: HighFrequency = "sum",
        padding: HaarPadding = "zero",
        **options,
    ) -> None:
        super().__init__(**options)
        head = single_head(self)
        if self.with_auxiliary_head:
            raise ValueError(
                "HighFrequencyEncoderDecoder trains the decode head alone: set "
                "auxiliary_head=None"
            )
        self.teacher_ckpt = teacher_ckpt
        channels = read_channels(head) if mode == "concat" else ()
        self.high_frequency = HighFrequencyMaps(channels, mode, padding)
        for part in self._frozen():
            part.requires_grad_(False)

    def init_weights(self) -> None:
        """Load the teacher's weights.

        Raises:
            FileNotFoundError: there is no such checkpoint.
            RuntimeError: it is truncated or corrupt.
            ValueError: it does not fit; the message names the weight.
        """
        super().init_weights()
        if self.teacher_ckpt is not None:
            state, _ = read_checkpoint(self.teacher_ckpt)
            load_whole(self, state, self.teacher_ckpt, optional=("high_frequency.",))

    def train(self, mode: bool = True) -> "HighFrequencyEncoderDecoder":
        """Set the head's mode; backbone and neck stay in eval mode."""
        super().train(mode)
        for part in self._frozen():
            part.eval()
        return self

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the maps that the head reads.

        Args:
            inputs: images (N, 3, H, W).

        Returns:
            Maps (N, C, h, w) in the places of the features, None for those that the
            head does not read.
        """
        with torch.no_grad():
            features = super().extract_feat(inputs)
        levels = [level % len(features) for level in read_levels(self.decode_head)]
        maps = self.high_frequency([features[level] for level in levels])
        seen = dict(zip(levels, maps, strict=True))
        return tuple(seen.get(level) for level in range(len(features)))

    def _frozen(self) -> list:
        return [self.backbone, self.neck] if self.with_neck else [self.backbone]
