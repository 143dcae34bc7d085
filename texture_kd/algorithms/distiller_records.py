"""What the losses of a distiller of MMRazor are given in one step."""

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from mmengine.model import BaseModel
from mmrazor.models.distillers import ConfigurableDistiller
from mmrazor.models.task_modules.recorder import ParameterRecorder
from mmrazor.models.task_modules.recorder.base_recorder import BaseRecorder
from torch import Tensor, nn

from texture_kd.algorithms.sound_records import recorded_modules
from texture_kd.early_losses import Pair
from texture_kd.recorders import DataSamplesRecorder

__all__ = ["DistillerRecords", "is_stock"]


class DistillerRecords:
    """Records of a forward pass of a student, and of its teacher's before.

    The losses are MMRazor's own, to the value and to the gradient.

    Attributes:
        released: names of the student's recorders that have served.

    Args:
        distiller: with the teacher's records.
        student: that will run.
    """

    def __init__(self, distiller: ConfigurableDistiller, student: BaseModel) -> None:
        self.released: set[str] = set()
        self._distiller, self._student = distiller, student
        self._mappings = distiller.loss_forward_mappings
        self._sides = {
            True: distiller.student_recorders.recorders,
            False: distiller.teacher_recorders.recorders,
        }
        # What the student recorded, and what the losses see in its place.
        self._cuts: dict[str, list[Pair]] = {name: [] for name in self._sides[True]}
        self._records_cut = dict.fromkeys(self._cuts, 0)

    @staticmethod
    def can_be_early(distiller: nn.Module) -> bool:
        """Tell whether losses can be computed while the student runs.

        A distiller of another kind computes its losses as it likes; and what losses and
        connectors call while functions are recorded or delivered would be, too.

        Args:
            distiller: whose losses they are.
        """
        modules = all(
            recorded_modules(recorder)
            or isinstance(recorder, (ParameterRecorder, DataSamplesRecorder))
            for recorder in distiller.student_recorders.recorders.values()
        )
        return modules and not distiller.deliveries.deliveries

    @contextmanager
    def watched(
        self, prepare: Callable[[], None], when_ran: Callable[[], None] | None
    ) -> Iterator[None]:
        """Call back while the student runs, within this context.

        Args:
            prepare: called before, when data samples are recorded.
            when_ran: called behind each recorded module.
        """
        modules = {
            module
            for recorder in self._sides[True].values()
            for module in recorded_modules(recorder)
        }
        with ExitStack() as handles:
            # A recorder's own hook was there before, and runs before.
            handle = self._student.register_forward_pre_hook(lambda *_: prepare())
            handles.callback(handle.remove)
            for module in modules if when_ran else ():
                handle = self._student.get_submodule(module).register_forward_hook(
                    lambda *_: when_ran()
                )
                handles.callback(handle.remove)
            yield

    def recorded(self, loss: str, arguments: Iterable[str]) -> dict[str, Any] | None:
        """Return arguments of a loss by name, or None where one is not there yet.

        A connector makes another thing of a record, and would be run twice.
        """
        mapping = self._mappings[loss]
        wanted = {name: mapping[name] for name in arguments if name in mapping}
        if not all(
            self._is_recorded(x) and not x.get("connector") for x in wanted.values()
        ):
            return None
        return {name: self._distiller.get_record(**x) for name, x in wanted.items()}

    def is_ready(self, loss: str) -> bool:
        """Tell whether all that a loss is given is recorded."""
        return all(map(self._is_recorded, self._mappings[loss].values()))

    def cut(self, loss: str) -> list[Pair]:
        """Put leaves in the place of what a loss's recorders hold of the student."""
        records = self._mappings[loss].values()
        read = dict.fromkeys(x["recorder"] for x in records if x["from_student"])
        return [pair for recorder in read for pair in self._cut(recorder)]

    def value(self, loss: str) -> Tensor:
        """Compute a loss as MMRazor and MMEngine do, summed where it is of several."""
        self._distiller.loss_forward_mappings = {loss: self._mappings[loss]}
        try:
            value, _ = self._student.parse_losses(
                self._distiller.compute_distill_losses()
            )
        finally:
            self._distiller.loss_forward_mappings = self._mappings
        return value

    def parameters(self, loss: str) -> Iterator[nn.Parameter]:
        """Return those of the distiller, whose connectors serve several losses."""
        return self._distiller.parameters()

    def release(self, pending: Collection[str]) -> None:
        """Give up the records that no pending loss is given."""
        needed = {
            (record["from_student"], record["recorder"])
            for loss in pending
            for record in self._mappings[loss].values()
        }
        for from_student, recorders in self._sides.items():
            for name, recorder in recorders.items():
                if recorder.data_buffer and (from_student, name) not in needed:
                    self._give_up(from_student, name)

    def _is_recorded(self, record: Mapping[str, Any]) -> bool:
        own = record["from_student"]
        count = len(self._sides[own][record["recorder"]].data_buffer)
        # An index from behind waits for the student's last run.
        return (0 if own else -count) <= record.get("record_idx", 0) < count

    def _cut(self, name: str) -> list[Pair]:
        """Put leaves in the place of what a recorder holds, and return both."""
        buffer, pairs = self._sides[True][name].data_buffer, self._cuts[name]
        for index in range(self._records_cut[name], len(buffer)):
            buffer[index] = _with_leaves(buffer[index], pairs, name)
        self._records_cut[name] = len(buffer)
        return pairs

    def _give_up(self, from_student: bool, name: str) -> None:
        recorder: BaseRecorder = self._sides[from_student][name]
        recorder.reset_data_buffer()
        if from_student:
            self.released.add(name)
            self._cuts[name], self._records_cut[name] = [], 0


def is_stock(distiller: nn.Module) -> bool:
    """Tell whether a distiller computes its losses as MMRazor's own does.

    Args:
        distiller: of any kind.
    """
    stock = ConfigurableDistiller.compute_distill_losses
    return type(distiller).compute_distill_losses is stock


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
