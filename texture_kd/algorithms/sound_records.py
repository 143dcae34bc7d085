"""Records that stay what they were, and that pass gradients."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmrazor.models.task_modules import RecorderManager
from mmrazor.models.task_modules.recorder import (
    ModuleInputsRecorder,
    ModuleOutputsRecorder,
)
from mmrazor.models.task_modules.recorder.base_recorder import BaseRecorder
from torch import Tensor, nn

from texture_kd.faults import ALSO, Faults
from texture_kd.recorders import StagesRecorder
from texture_kd.versions import Versions

__all__ = ["check_recorded", "recorded_modules", "sound_records"]


@contextmanager
def sound_records(
    side: str, recorders: RecorderManager, network: nn.Module, learns: bool = False
) -> Iterator[None]:
    """Refuse records that losses cannot use, in this context.

    A network may change in place what was recorded:
    a residual block adds to what the norm before it gave, and a recorder of the norm
    would hold the sum. And what is recorded inside a block whose activations are
    checkpointed has no gradient. Compiled networks are not watched.

    Args:
        side: ``"teacher"`` or ``"student"``, for the message.
        recorders: of the network, which runs within the context.
        network: whose modules are recorded.
        learns: whether gradients are to reach it.

    Raises:
        ValueError: a recorded tensor was changed, or has no gradient; the message names
            the recorders.
    """
    seen, faults = Versions(), Faults()
    # A recorder's own hook was there before, and runs before.
    handles = [
        network.get_submodule(module).register_forward_hook(
            _noting(name, recorder, seen, faults if learns else None)
        )
        for name, recorder in recorders.recorders.items()
        for module in recorded_modules(recorder)
    ]
    try:
        yield
        faults.found += [_changed(side, name) for name in seen.changed()]
    finally:
        for handle in handles:
            handle.remove()
        # What else goes wrong without a gradient says less.
        faults.refuse()


def recorded_modules(recorder: BaseRecorder) -> list[str]:
    """Return the names of the modules that a recorder listens to.

    Args:
        recorder: of any kind; those of functions and parameters listen to none.
    """
    if isinstance(recorder, StagesRecorder):
        return recorder.modules
    listens = isinstance(recorder, (ModuleInputsRecorder, ModuleOutputsRecorder))
    return [recorder.source] if listens else []


def check_recorded(
    side: str, manager: RecorderManager, released: Collection[str] = ()
) -> None:
    """See to it that each recorder has recorded something.

    Args:
        side: ``"teacher"`` or ``"student"``, for the message.
        manager: the recorders of the network, which has run.
        released: names of those that have served.

    Raises:
        RuntimeError: some have not; the message names them.
    """
    empty = [
        f"The {side}'s recorder {name!r} recorded nothing: its forward pass had no "
        f"{recorder.source!r}."
        for name, recorder in manager.recorders.items()
        if name not in released and not recorder.data_buffer
    ]
    if empty:
        raise RuntimeError(ALSO.join(empty))


def _noting(
    name: str, recorder: BaseRecorder, seen: Versions, faults: Faults | None
) -> Callable:
    def note(*_: object) -> None:
        if faults is not None and not torch.is_grad_enabled():
            with faults:
                _refuse_record(name, recorder)
        for tensor, version in _taken(recorder):
            seen.note(name, tensor, version)

    return note


def _taken(recorder: BaseRecorder) -> Iterator[tuple[Tensor, int | None]]:
    """Return what was recorded last, with the versions that it had, if not now's."""
    # What is compiled has no versions to speak of, and is left in one piece.
    if torch.compiler.is_compiling():
        return
    if isinstance(recorder, StagesRecorder):
        yield from recorder.taken
    else:
        for tensor in _tensors(recorder.data_buffer[-1:]):
            yield tensor, None


def _tensors(record: Any) -> Iterator[Tensor]:
    if isinstance(record, Tensor):
        yield record
    elif isinstance(record, list | tuple | Mapping):
        items = record.values() if isinstance(record, Mapping) else record
        for item in items:
            yield from _tensors(item)


def _refuse_record(name: str, recorder: BaseRecorder) -> None:
    raise ValueError(
        f"The student's recorder {name!r} records inside a block whose activations are "
        "checkpointed (with_cp=True), or which runs under torch.no_grad(), from where "
        f"no gradient comes: record a module around {recorder.source!r}, such as the "
        "whole block, or set with_cp=False."
    )


def _changed(side: str, name: str) -> str:
    return (
        f"The {side}'s recorder {name!r} holds what the {side} changes in place "
        "afterwards, as the sum of a residual block does with the norm before it: "
        "losses would see one thing of the student and another of the teacher. "
        "Record the module behind it, such as the whole block."
    )
