"""What a distiller's recorders and connectors give in a training."""

from collections.abc import Callable, Iterator
from typing import Any

from mmrazor.models.task_modules.recorder.base_recorder import BaseRecorder
from torch import nn

from texture_kd.analysis.described import Row, described
from texture_kd.recorders import ValidAreaRecorder

__all__ = ["WatchedDistiller"]

_SIDES = {True: "student", False: "teacher"}


class WatchedDistiller:
    """Notes the shapes of what a distillation records and connects.

    Args:
        model: distillation with ``student`` and ``distiller``.

    Attributes:
        records: by side and name what a recorder holds.
        connected: by name what a connector makes of what it is given.
        image: channels, height and width of the images, as the student gets them.
    """

    def __init__(self, model: nn.Module) -> None:
        self._distiller = distiller = model.distiller
        self._recorders = {
            (side, name): recorder
            for side in _SIDES.values()
            for name, recorder in getattr(
                distiller, f"{side}_recorders"
            ).recorders.items()
        }
        self.records = dict.fromkeys(self._recorders, "after all losses")
        self.connected: dict[str, str] = {}
        self.image: tuple[int, int, int] = (0, 0, 0)
        self._watch(model)

    def unread(self) -> list[str]:
        """Say which records no loss reads."""
        mappings = getattr(self._distiller, "loss_forward_mappings", {})
        read = {
            (_SIDES[bool(record["from_student"])], record["recorder"])
            for records in mappings.values()
            for record in records.values()
        }
        return [
            f"the {side}'s recorder {name} is read by no loss"
            for side, name in self.records
            if (side, name) not in read
        ]

    def rows(self) -> Iterator[Row]:
        """Return rows of a table: what it is, its kind, and what was seen."""
        for (side, name), shapes in self.records.items():
            recorder = self._recorders[side, name]
            what = f"{type(recorder).__name__} {recorder.source}"
            yield f"{side}'s recorder {name}", what, shapes
        for name, shapes in self.connected.items():
            kind = type(self._distiller.connectors[name]).__name__
            yield f"connector {name}", kind, shapes

    def _watch(self, model: nn.Module) -> None:
        compute = self._distiller.compute_distill_losses

        def compute_distill_losses() -> dict:
            for key, recorder in self._recorders.items():
                # Some losses are computed early, and their records given up.
                if recorder.data_buffer:
                    self.records[key] = _recorded(recorder)
            return compute()

        def note_size(module: nn.Module, given: tuple) -> None:
            self.image = tuple(given[0].shape[1:])
            handle.remove()

        handle = model.student.register_forward_pre_hook(note_size)
        self._distiller.compute_distill_losses = compute_distill_losses
        for name, connector in self._distiller.connectors.items():
            connector.register_forward_hook(self._connects(name))

    def _connects(self, name: str) -> Callable:
        def note(module: nn.Module, given: tuple, made: Any) -> None:
            self.connected[name] = f"{described(given)} to {described(made)}"

        return note


def _recorded(recorder: BaseRecorder) -> str:
    if isinstance(recorder, ValidAreaRecorder) and recorder.data_buffer == [None]:
        return "all valid"
    return described(recorder.data_buffer)
