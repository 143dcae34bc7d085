"""A frozen head of a teacher, the teacher's own or one of its own training."""

import copy
import logging
from collections.abc import Sequence
from typing import get_args

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from texture_kd.algorithms.teacher_checkpoint import load_whole, read_checkpoint
from texture_kd.connectors.high_frequency import (
    HighFrequencyMaps,
    recorded_mode,
    refuse_other_mode,
)
from texture_kd.functional.choices import check_choice
from texture_kd.functional.wavelet import HighFrequency


class HeadAmplifier(nn.Module):
    """What the amplifiers of :class:`DS2D2Loss` have in common: how they get a head.

    Args:
        mode: None for features and the teacher's own head, or the mode of the
            high-frequency maps, for a copy of that head.
        checkpoint: path or URL of the checkpoint of the copy's own training; None
            takes the teacher's head as it is, with a warning if there is a mode.

    Raises:
        ValueError: the mode is unknown, or there is a checkpoint and no mode.
    """

    def __init__(
        self, mode: HighFrequency | None = None, checkpoint: str | None = None
    ) -> None:
        super().__init__()
        check_choice("mode", mode, (None, *get_args(HighFrequency)))
        if mode is None and checkpoint is not None:
            raise ValueError(
                f"a {type(self).__name__} without mode is the teacher's own head, and "
                f"has no checkpoint {checkpoint}: give it a mode, such as 'sum'"
            )
        self.mode: HighFrequency | None = mode
        self.checkpoint = checkpoint
        self.levels: tuple[int, ...] = ()
        self._channels: list[int] | int = []
        self._name = ""
        self._teachers_head: tuple[nn.Module, ...] = ()

    @property
    def head(self) -> nn.Module:
        """The head that judges."""
        if self._teachers_head:
            return self._teachers_head[0]
        return self.get_submodule(self._name)

    def take_head(
        self,
        teacher: nn.Module,
        name: str,
        levels: Sequence[int],
        channels: Sequence[int] | int,
    ) -> None:
        """Freeze the teacher's head, or copy it and load the amplifier's weights.

        Args:
            teacher: the teacher, with its weights.
            name: the head's name in it.
            levels: the levels that the head reads; negative ones count from behind.
            channels: their channels, or the sum of these where the head knows no more,
                which is not enough for ``mode='concat'``.

        Raises:
            FileNotFoundError: there is no such checkpoint.
            RuntimeError: the checkpoint is truncated or corrupt.
            ValueError: the checkpoint is of another mode, network or teacher, or of no
                amplifier.
        """
        head = teacher.get_submodule(name)
        self.levels = tuple(levels)
        self._channels = channels if isinstance(channels, int) else list(channels)
        self._name = name
        if self.mode is not None:
            mixed = channels if self.mode == "concat" else ()
            self.high_frequency = HighFrequencyMaps(mixed, self.mode)
        if self.checkpoint is None:
            if self.mode is not None:
                print_log(
                    f"{type(self).__name__} with mode={self.mode!r} has no checkpoint: "
                    "maps of details go to the teacher's own head, which has not been "
                    "trained on them. Train an amplifier and name its checkpoint.",
                    logger="current",
                    level=logging.WARNING,
                )
            # Not a sub-module: it is the teacher's.
            self._teachers_head = (head.requires_grad_(False).eval(),)
            return
        self.add_module(name, copy.deepcopy(head))
        state, _ = read_checkpoint(self.checkpoint, "amplifier")
        self._check_checkpoint(state, teacher)
        load_whole(self, state, self.checkpoint, "amplifier")

    def seen(self, features: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
        """Return what the head reads.

        Args:
            features: all levels (N, C, H, W), with ``mode='concat'`` (N, 3C, H, W);
                None for those that it does not read.

        Returns:
            The levels (N, C, H, W) that it reads.

        Raises:
            ValueError: one of them is not there, or has other channels.
        """
        count = len(features)
        read = [features[i] for i in self.levels if -count <= i < count]
        bands = 3 if self.mode == "concat" else 1
        found = [x.shape[1] // bands for x in read]
        if isinstance(self._channels, int):
            found = sum(found)
        if found != self._channels:
            raise ValueError(
                f"{type(self.head).__name__} reads the levels {self.levels} of "
                f"{self._channels} channels, and those of the teacher's features have "
                f"{found}: record what the head reads"
            )
        return tuple(read if self.mode is None else self.high_frequency.mixed(read))

    def _check_checkpoint(self, state: dict[str, Tensor], teacher: nn.Module) -> None:
        what = f"The amplifier checkpoint {self.checkpoint}"
        mode = recorded_mode(state, "high_frequency.")
        if mode is None:
            raise ValueError(
                f"{what} is of no amplifier: give the checkpoint of a training with "
                "high-frequency maps."
            )
        refuse_other_mode(mode, self.mode, what, "the amplifier")
        for name, value in teacher.state_dict().items():
            if not name.startswith(("backbone.", "neck.")):
                continue
            if name not in state or not torch.equal(state[name], value.cpu()):
                raise ValueError(
                    f"{what} was trained on the features of another teacher: its "
                    f"{name} is not the teacher's. Give the teacher_ckpt that it was "
                    "trained from, or train it from this teacher; a teacher without "
                    "teacher_ckpt, for a try, wants amplifiers without checkpoint."
                )
