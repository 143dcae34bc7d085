"""Losses that do not end a training when they refuse what they are given."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import torch
from torch import nn

from texture_kd.analysis.sentences import words
from texture_kd.faults import PROBLEMS

__all__ = ["GuardedLosses"]


class GuardedLosses:
    """Goes on with the other losses when one refuses what it is given.

    Its value is 0 then, and a training has to end before it learns from that.

    Args:
        losses: what each is called, and the module.
        device: where they are computed.

    Attributes:
        refused: sentences on those that did, in the order of their calls.
    """

    def __init__(
        self, losses: Iterable[tuple[str, nn.Module]], device: torch.device
    ) -> None:
        self.refused: list[str] = []
        self._device = device
        for name, loss in losses:
            for method in ("prepare", "forward"):
                if hasattr(loss, method):
                    setattr(loss, method, self._guarded(name, getattr(loss, method)))

    def _guarded(self, name: str, method: Callable) -> Callable:
        # What it is given is told by its signature.
        @wraps(method)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                return method(*args, **kwargs)
            except PROBLEMS as error:
                said = f"{name}: {words(error)}"
                if said not in self.refused:
                    self.refused.append(said)
                return torch.zeros((), device=self._device)

        return guarded
