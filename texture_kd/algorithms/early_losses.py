"""Distillation losses that are computed while the student runs, and their gradients.

What a loss needs for its gradient would lie beside all that the student's forward pass
keeps for its own. Early features are there when the student has kept little yet: of a
loss that is done with by then nothing is left at the peak but a gradient of the size of
each feature, and nothing of the teacher's.
"""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.model import BaseModel
from mmrazor.models.distillers import ConfigurableDistiller
from mmrazor.models.task_modules.recorder import ParameterRecorder
from mmrazor.models.task_modules.recorder.base_recorder import BaseRecorder
from torch import Tensor, nn

from texture_kd.algorithms.sound_records import recorded_modules
from texture_kd.functional.known_gradient import (
    graph_of_its_own,
    with_known_gradient,
)
from texture_kd.functional.precision import rounds_to_float16
from texture_kd.recorders import DataSamplesRecorder

__all__ = ["EarlyLosses"]

Pair = tuple[Tensor, Tensor]


class EarlyLosses:
    """Compute each loss of a distiller as soon as the student has what it compares.

    It is a context for one forward pass of the student, with its recorders on. The
    losses are MMRazor's own, to the value and to the gradient; what is recorded is
    given up as soon as no loss to come needs it.

    Attributes:
        losses: scalars by name, those of which the gradient is known already.
        released: names of the student's recorders that have served.

    Args:
        distiller: with the teacher's records.
        student: that will run.
    """

    def __init__(self, distiller: ConfigurableDistiller, student: BaseModel) -> None:
        self.losses: dict[str, Tensor] = {}
        self.released: set[str] = set()
        self._distiller = distiller
        self._student = student
        self._pending = dict(distiller.loss_forward_mappings)
        self._sides = {
            True: distiller.student_recorders.recorders,
            False: distiller.teacher_recorders.recorders,
        }
        # What the student recorded, and what the losses see in its place.
        self._cuts: dict[str, list[Pair]] = {name: [] for name in self._sides[True]}
        self._records_cut = dict.fromkeys(self._cuts, 0)

    @staticmethod
    def possible(distiller: nn.Module, device: torch.device) -> bool:
        """Say whether losses can be computed early.

        Half precision needs the optimiser's loss scale, which is not known yet; a
        distiller of another kind computes its losses as it likes; and what losses and
        connectors call while functions are recorded or delivered would be, too.

        Args:
            distiller: whose losses they are.
            device: where the student runs.
        """
        half = rounds_to_float16(device)
        stock = ConfigurableDistiller.compute_distill_losses
        own = type(distiller).compute_distill_losses
        modules = all(
            recorded_modules(recorder)
            or isinstance(recorder, (ParameterRecorder, DataSamplesRecorder))
            for recorder in distiller.student_recorders.recorders.values()
        )
        calls = distiller.deliveries.deliveries or not modules
        return torch.is_grad_enabled() and not half and own is stock and not calls

    def __enter__(self) -> "EarlyLosses":
        # A recorder's own hook was there before, and runs before.
        self._handles = [
            self._student.get_submodule(module).register_forward_hook(self._module_ran)
            for recorder in self._sides[True].values()
            for module in recorded_modules(recorder)
        ]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def finish(self) -> dict[str, Tensor]:
        """Compute the losses that are left, and return all in the distiller's order."""
        for name in list(self._pending):
            self._compute(name)
        order = self._distiller.loss_forward_mappings
        return {name: self.losses[name] for name in order}

    def _module_ran(self, *_: object) -> None:
        ready = [name for name in self._pending if self._is_recorded(name)]
        for name in ready:
            self._compute(name)
        if ready:
            self._release()

    def _is_recorded(self, name: str) -> bool:
        # An index from behind waits for the last run.
        return all(
            0 <= record.get("record_idx", 0) < len(self._recorder(record).data_buffer)
            for record in self._pending[name].values()
        )

    def _recorder(self, record: Mapping) -> BaseRecorder:
        return self._sides[record["from_student"]][record["recorder"]]

    # MMEngine's `compile` is for the networks: regions change their sizes with each
    # step, and a critic's penalty has second derivatives.
    @torch.compiler.disable
    def _compute(self, name: str) -> None:
        records = self._pending.pop(name)
        read = [r["recorder"] for r in records.values() if r["from_student"]]
        pairs = [
            pair for recorder in dict.fromkeys(read) for pair in self._cut(recorder)
        ]
        distiller = self._distiller
        everything = distiller.loss_forward_mappings
        distiller.loss_forward_mappings = {name: records}
        try:
            learnt = [(p, p) for p in distiller.parameters() if p.requires_grad]
            with graph_of_its_own():
                loss = distiller.compute_distill_losses()
                value, _ = self._student.parse_losses(loss)
                self.losses[name] = with_known_gradient(value, [*pairs, *learnt])
        finally:
            distiller.loss_forward_mappings = everything

    def _cut(self, name: str) -> list[Pair]:
        """Put leaves in the place of what a recorder holds, and return both."""
        buffer, pairs = self._sides[True][name].data_buffer, self._cuts[name]
        for index in range(self._records_cut[name], len(buffer)):
            buffer[index] = _with_leaves(buffer[index], pairs, name)
        self._records_cut[name] = len(buffer)
        return pairs

    def _release(self) -> None:
        """Give up what no loss to come reads."""
        needed = {
            (record["from_student"], record["recorder"])
            for records in self._pending.values()
            for record in records.values()
        }
        for from_student, recorders in self._sides.items():
            for name, recorder in recorders.items():
                if recorder.data_buffer and (from_student, name) not in needed:
                    self._give_up(from_student, name)

    def _give_up(self, from_student: bool, name: str) -> None:
        self._sides[from_student][name].reset_data_buffer()
        if from_student:
            self.released.add(name)
            self._cuts[name], self._records_cut[name] = [], 0


def _with_leaves(record: Any, pairs: list[Pair], name: str) -> Any:
    """Cut the tensors of a record off their graphs, and note both sides of each cut."""
    if isinstance(record, (tuple, list)):
        known = len(pairs)
        items = [_with_leaves(item, pairs, name) for item in record]
        if len(pairs) == known:
            return record
        named = hasattr(record, "_fields")
        return type(record)(*items) if named else type(record)(items)
    if isinstance(record, Mapping):
        cut = copy.copy(record)
        for key, item in record.items():
            cut[key] = _with_leaves(item, pairs, name)
        return cut
    if not isinstance(record, Tensor):
        _check_constant(record, name)
        return record
    if not record.requires_grad:
        return record
    # A recorded parameter is a leaf already.
    leaf = record if record.is_leaf else record.detach().requires_grad_()
    pairs.append((record, leaf))
    return leaf


def _check_constant(record: object, name: str) -> None:
    inside = getattr(record, "__dict__", {}).values()
    if any(isinstance(item, Tensor) and item.requires_grad for item in inside):
        raise ValueError(
            f"The student's recorder {name!r} holds a {type(record).__name__} with "
            "tensors in it, through which no gradient would reach the student: record "
            "a module that returns tensors, or tuples, lists or dicts of them."
        )
