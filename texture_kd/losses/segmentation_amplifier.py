"""A frozen decode head that judges a student's features: amplifiers of DS2D2."""

import copy
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from texture_kd.algorithms.teacher_checkpoint import load_whole, read_checkpoint
from texture_kd.connectors.high_frequency import (
    HighFrequencyMaps,
    read_channels,
    read_levels,
    recorded_mode,
    single_head,
)
from texture_kd.functional.choices import check_choice
from texture_kd.functional.divergence import channel_kl
from texture_kd.functional.wavelet import HighFrequency
from texture_kd.losses.logits import aligned_logits, ignored_pixels
from texture_kd.losses.response import ResponseKDLoss
from texture_kd.losses.sample_weights import stacked

Kind = Literal["kl", "cwd"]


class SegmentationAmplifier(nn.Module):
    r"""Compare the logits that a frozen decode head has of both networks' features.

    With ``mode=None`` it is the full-frequency amplifier of
    :class:`~texture_kd.losses.DS2D2Loss`: the teacher's own head. Otherwise it is the
    high-frequency one: a copy of that head with the weights of ``checkpoint``, the
    outcome of a training of ``HighFrequencyEncoderDecoder``.

    Logits are compared by

    - ``kl``: :math:`\tfrac{1}{2}` :class:`~texture_kd.losses.ResponseKDLoss`, a mean
      over the pixels whose label is not ignored, or
    - ``cwd``: half the mean of :func:`~texture_kd.functional.channel_kl` over images
      and classes, without the pixels whose label is ignored.

    Args:
        mode: None for the features, or the mode of the high-frequency maps.
        checkpoint: path or URL of the checkpoint of the amplifier's own training; None
            takes the teacher's head as it is.
        kind: how logits are compared.
        temperature: T of both, positive.
        kd_weight: the half.

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
        kd_weight: float = 0.5,
    ) -> None:
        super().__init__()
        check_choice("mode", mode, (None, *get_args(HighFrequency)))
        check_choice("kind", kind, get_args(Kind))
        if mode is None and checkpoint is not None:
            raise ValueError(
                "a SegmentationAmplifier without mode is the teacher's own head, and "
                f"has no checkpoint {checkpoint}: give it a mode, such as 'sum'"
            )
        self.mode: HighFrequency | None = mode
        self.checkpoint = checkpoint
        self.kind: Kind = kind
        self.temperature = temperature
        self.kd_weight = kd_weight
        self.pixel_loss = ResponseKDLoss(temperature, loss_weight=kd_weight)
        self.levels: tuple[int, ...] = ()
        self._teachers_head: tuple[nn.Module, ...] = ()

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
        self.levels = read_levels(head)
        self.pixel_loss.ignore_index = head.ignore_index
        self.pixel_loss.align_corners = head.align_corners
        if self.mode is not None:
            channels = read_channels(head) if self.mode == "concat" else ()
            self.high_frequency = HighFrequencyMaps(channels, self.mode)
        if self.checkpoint is None:
            # Not a sub-module: it is the teacher's.
            self._teachers_head = (head,)
            return
        self.decode_head = copy.deepcopy(head)
        state, _ = read_checkpoint(self.checkpoint, "amplifier")
        self._check_checkpoint(state, teacher)
        load_whole(self, state, self.checkpoint, "amplifier")

    def forward(
        self,
        student: tuple[Tensor | None, ...],
        teacher: tuple[Tensor | None, ...],
        samples: Sequence[BaseDataElement],
        rois: None = None,
    ) -> Tensor:
        """Compare what the head makes of both.

        Args:
            student: levels (N, C, H, W) of the student, None for those not read.
            teacher: those of the teacher.
            samples: N data samples with ``gt_sem_seg``.
            rois: for detectors.

        Returns:
            A scalar, in float32 at least; 0 where all pixels are ignored.

        Raises:
            ValueError: a level has other channels than the head reads, the samples have
                no labels, or the head returns no logits (N, K, H, W).
        """
        with torch.no_grad():
            target = self._logits(teacher)
        logits = self._logits(student)
        ignore_index = self.pixel_loss.ignore_index
        labels = stacked(samples, "gt_sem_seg", ignore_index)
        if self.kind == "kl":
            return self.pixel_loss(logits, target, labels)
        logits, target = aligned_logits(logits, target)
        ignored = ignored_pixels(labels, target, ignore_index)
        divergence = channel_kl(target, logits, self.temperature, ignored)
        return self.kd_weight * divergence.mean()

    def _logits(self, features: tuple[Tensor | None, ...]) -> Tensor:
        head = self._teachers_head[0] if self._teachers_head else self.decode_head
        inputs = list(features)
        if self.mode is not None:
            maps = self.high_frequency.mixed([inputs[level] for level in self.levels])
            for level, x in zip(self.levels, maps, strict=True):
                inputs[level] = x
        _check_channels(head, [inputs[level] for level in self.levels])
        logits = head(tuple(inputs))
        if not isinstance(logits, Tensor):
            raise ValueError(
                f"{type(head).__name__} returns a {type(logits).__name__} where a "
                "SegmentationAmplifier needs a head that returns logits"
            )
        return logits

    def _check_checkpoint(self, state: dict[str, Tensor], teacher: nn.Module) -> None:
        what = f"The amplifier checkpoint {self.checkpoint}"
        mode = recorded_mode(state, "high_frequency.")
        if mode is None:
            raise ValueError(
                f"{what} is of no amplifier: give the checkpoint of a training of "
                "HighFrequencyEncoderDecoder."
            )
        if mode != self.mode:
            raise ValueError(
                f"{what} was trained with mode={mode!r}, and the amplifier in the "
                f"config has mode={self.mode!r}: give both the same."
            )
        for name, value in teacher.backbone.state_dict(prefix="backbone.").items():
            if name in state and not torch.equal(state[name], value.cpu()):
                raise ValueError(
                    f"{what} was trained on the features of another teacher: its "
                    f"{name} is not the teacher's. Train it from this teacher."
                )


def _check_channels(head: nn.Module, features: Sequence[Tensor]) -> None:
    found = [x.shape[1] for x in features]
    expected = head.in_channels
    if head.input_transform == "resize_concat":
        found = sum(found)
    elif isinstance(expected, int):
        found = found[0]
    else:
        expected = list(expected)
    if found != expected:
        raise ValueError(
            f"{type(head).__name__} reads the levels {read_levels(head)} of {expected} "
            f"channels, and those of the teacher's features have {found}: record what "
            "the head reads"
        )
