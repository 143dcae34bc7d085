"""A frozen decode head that judges a student's features: amplifiers of DS2D2."""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from texture_kd.amplifiers.head import HeadAmplifier
from texture_kd.decode_heads.inputs import (
    read_channels,
    read_levels,
    single_head,
    summed_channels,
)
from texture_kd.functional.choices import check_choice
from texture_kd.functional.divergence import channel_kl
from texture_kd.functional.wavelet import HighFrequency
from texture_kd.losses.logits import compared_logits
from texture_kd.losses.response import ResponseKDLoss
from texture_kd.losses.sample_shares import stacked

Kind = Literal["kl", "cwd"]

# The paper's; the amplifier's loss_weight is there for any other.
_HALF = 0.5


class SegmentationAmplifier(HeadAmplifier):
    r"""Compare the logits that a frozen decode head has of both networks' features.

    With ``mode=None`` it is the full-frequency amplifier of
    :class:`~texture_kd.losses.DS2D2Loss`: the teacher's own head. Otherwise it is the
    high-frequency one: a copy of that head with the weights of ``checkpoint``, the
    outcome of a training of ``HighFrequencyEncoderDecoder``.

    Logits are compared by

    - ``kl``: :math:`\tfrac{1}{2}` :class:`~texture_kd.losses.ResponseKDLoss`, a mean
      over the valid pixels whose label is not ignored, or
    - ``cwd``: half the mean of :func:`~texture_kd.functional.channel_kl` over images
      and classes, without the pixels that are padding or whose label is ignored.

    Args:
        mode: None for the features, or the mode of the high-frequency maps.
        checkpoint: path or URL of the checkpoint of the amplifier's own training; None
            takes the teacher's head as it is.
        kind: how logits are compared.
        temperature: T of both, positive.
        ignore_index: label of the pixels that do not count; in a DS2D2Loss its own.

    Raises:
        ValueError: an option is unknown or out of its range, or there is a checkpoint
            and no mode.
    """

    def __init__(
        self,
        mode: HighFrequency | None = None,
        checkpoint: str | None = None,
        kind: Kind = "kl",
        temperature: float = 3.0,
        ignore_index: int = 255,
    ) -> None:
        super().__init__(mode, checkpoint)
        check_choice("kind", kind, get_args(Kind))
        self.kind: Kind = kind
        self.temperature = temperature
        self.ignore_index = ignore_index
        self.pixel_loss = ResponseKDLoss(temperature, ignore_index, loss_weight=_HALF)

    def attach_teacher(self, teacher: nn.Module) -> None:
        """Take the teacher's head, or copy it and load the amplifier's weights.

        Args:
            teacher: a segmentor with one decode head, with its weights.

        Raises:
            FileNotFoundError: there is no such checkpoint.
            RuntimeError: the checkpoint is truncated or corrupt.
            ValueError: the checkpoint is of another mode, network or teacher, or of no
                amplifier; or the teacher has no head, or several.
        """
        head = single_head(teacher)
        summed = head.input_transform == "resize_concat" and self.mode != "concat"
        channels = summed_channels(head) if summed else read_channels(head)
        self.take_head(teacher, "decode_head", read_levels(head), channels)

    def forward(
        self,
        student: tuple[Tensor | None, ...],
        teacher: tuple[Tensor | None, ...],
        samples: Sequence[BaseDataElement],
        rois: None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Compare what the head makes of both.

        Args:
            student: levels (N, C, H, W) of the student, None for those not read.
            teacher: those of the teacher.
            samples: N data samples with ``gt_sem_seg``.
            rois: for detectors.
            valid: booleans (N, H, W) or (N, 1, H, W), true for pixels of the image; or
                None where nothing is padded.

        Returns:
            A scalar, in float32 at least; 0 where no pixel is valid and not
            ignored.

        Raises:
            ValueError: a level has other channels than the head reads, the samples have
                no labels, or the head returns no logits (N, K, H, W).
        """
        with torch.no_grad():
            target = self._logits(teacher)
        logits = self._logits(student)
        labels = stacked(samples, "gt_sem_seg", self.ignore_index)
        if self.kind == "kl":
            return self.pixel_loss(logits, target, labels, valid)
        logits, target, counts = compared_logits(
            logits, target, labels, valid, self.ignore_index, classes=False
        )
        divergence = channel_kl(target, logits, self.temperature, ~counts)
        return _HALF * divergence.mean()

    def _logits(self, features: tuple[Tensor | None, ...]) -> Tensor:
        head = self.head
        inputs: list[Tensor | None] = [None] * len(features)
        for level, x in zip(self.levels, self.seen(features), strict=True):
            inputs[level] = x
        logits = head(tuple(inputs))
        if not isinstance(logits, Tensor):
            raise ValueError(
                f"{type(head).__name__} returns a {type(logits).__name__} where a "
                "SegmentationAmplifier needs a head that returns logits"
            )
        return logits
