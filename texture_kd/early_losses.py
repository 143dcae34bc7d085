"""Losses that are computed while the student runs, and their gradients.

What a loss needs for its gradient would lie beside all that the student's forward pass
keeps for its own. Early features are there when the student has kept little yet: of a
loss that is done with by then nothing is left at the peak but a gradient of the size of
each feature, and nothing of the teacher's.
"""

from collections.abc import Collection, Iterable, Mapping
from inspect import signature
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from texture_kd.functional.known_gradient import graph_of_its_own, with_known_gradient
from texture_kd.functional.precision import rounds_to_float16
from texture_kd.losses.distillation_loss import DistillationLoss

__all__ = ["EarlyLosses", "Pair", "Records", "gradients_are_known"]

Pair = tuple[Tensor, Tensor]


class Records(Protocol):
    """What losses are given in one forward pass of the student.

    A loss goes by its name.
    """

    def recorded(self, loss: str, arguments: Iterable[str]) -> dict[str, Any] | None:
        """Return arguments by name, or None where one is not recorded as it is yet."""

    def is_ready(self, loss: str) -> bool:
        """Tell whether all that a loss is given is recorded."""

    def cut(self, loss: str) -> list[Pair]:
        """Cut what a loss is given off the student's graph.

        Returns:
            Tensors of the student, each with the leaf that stands for it from now on.
        """

    def value(self, loss: str) -> Tensor:
        """Compute a loss, a scalar."""

    def parameters(self, loss: str) -> Iterable[nn.Parameter]:
        """Return what learns from a loss beside the student."""

    def release(self, pending: Collection[str]) -> None:
        """Give up what none of these losses is given."""


class EarlyLosses:
    """Compute each loss as soon as the student has what it compares.

    Values and gradients are those of losses that are computed at the end, but that
    there are no second derivatives.

    Attributes:
        values: scalars by name, of the losses that are computed.

    Args:
        losses: modules by name.
        records: what they are given.
        early: whether gradients are computed with the values. If not, nothing is
            computed before the end.
    """

    def __init__(
        self, losses: Mapping[str, nn.Module], records: Records, early: bool
    ) -> None:
        self.values: dict[str, Tensor] = {}
        self._losses, self._records, self._early = losses, records, early

    # Not compiled, as the losses are not: regions change their sizes with each step,
    # and a critic's penalty has second derivatives.
    @torch.compiler.disable
    def prepare(self) -> None:
        """Let losses do what they can before the student runs."""
        for name, loss in self._losses.items():
            if isinstance(loss, DistillationLoss):
                found = self._records.recorded(name, signature(loss.prepare).parameters)
                if found:
                    loss.prepare(**found)

    @torch.compiler.disable
    def compute_ready(self) -> None:
        """Compute the losses whose arguments are all there, if they are early."""
        if not self._early:
            return
        ready = [name for name in self._pending() if self._records.is_ready(name)]
        for name in ready:
            self._compute(name)
        if ready:
            self._records.release(self._pending())

    @torch.compiler.disable
    def finish(self) -> dict[str, Tensor]:
        """Compute the losses that are left, and return all in their order."""
        for name in self._pending():
            self._compute(name)
        return {name: self.values[name] for name in self._losses}

    def _pending(self) -> list[str]:
        return [name for name in self._losses if name not in self.values]

    def _compute(self, name: str) -> None:
        if not self._early:
            self.values[name] = self._records.value(name)
            return
        with graph_of_its_own():
            pairs = self._records.cut(name)
            value = self._records.value(name)
            learnt = [(p, p) for p in self._records.parameters(name) if p.requires_grad]
            self.values[name] = with_known_gradient(value, [*pairs, *learnt])


def gradients_are_known(device: torch.device) -> bool:
    """Tell whether the gradient of a loss can be computed with its value.

    Under float16 a scaler's factor is not known before the end.

    Args:
        device: where the losses are computed.
    """
    return torch.is_grad_enabled() and not rounds_to_float16(device)
