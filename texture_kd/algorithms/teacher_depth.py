"""A teacher runs no further than to the last thing that is recorded of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from mmrazor.models.task_modules.recorder import ParameterRecorder
from torch import nn

from texture_kd.algorithms.distiller_records import is_stock
from texture_kd.algorithms.sound_records import recorded_modules

__all__ = ["until_recorded", "wanted_records"]


class _AllRecorded(BaseException):
    """All that is wanted of the teacher is there."""


def wanted_records(distiller: nn.Module) -> dict[str, int] | None:
    """Return how often each recorder of the teacher has to record in a pass.

    Args:
        distiller: whose losses read the records.

    Returns:
        Counts by the recorder's name; None where the whole pass is wanted: functions
        are recorded or delivered, a record is counted from behind, or the distiller
        computes its losses in a way of its own.
    """
    if not is_stock(distiller) or distiller.deliveries.deliveries:
        return None
    wanted = Counter()
    for name, recorder in distiller.teacher_recorders.recorders.items():
        if recorded_modules(recorder):
            wanted[name] = 1
        elif not isinstance(recorder, ParameterRecorder):
            return None
    for records in distiller.loss_forward_mappings.values():
        for record in _of_teacher(records):
            index = record.get("record_idx", 0)
            if index < 0:
                return None
            if record["recorder"] in wanted:
                wanted[record["recorder"]] = max(wanted[record["recorder"]], index + 1)
    return dict(wanted)


@contextmanager
def until_recorded(distiller: nn.Module, teacher: nn.Module) -> Iterator[None]:
    """End what is run in this context when all that is wanted is recorded.

    Args:
        distiller: with the teacher's recorders on.
        teacher: that runs.
    """
    # A graph has no end in the middle: what is compiled runs whole.
    compiling = torch.compiler.is_compiling()
    wanted = None if compiling else wanted_records(distiller)
    recorders = distiller.teacher_recorders.recorders

    def stop(*_: object) -> None:
        if all(len(recorders[x].data_buffer) >= n for x, n in wanted.items()):
            raise _AllRecorded

    # A recorder's own hook was there before, and runs before.
    modules = {m for name in wanted or () for m in recorded_modules(recorders[name])}
    handles = [
        teacher.get_submodule(module).register_forward_hook(stop) for module in modules
    ]
    try:
        yield
    except _AllRecorded:
        pass
    finally:
        for handle in handles:
            handle.remove()


def _of_teacher(records: Mapping[str, Mapping]) -> list[Mapping]:
    return [record for record in records.values() if not record["from_student"]]
