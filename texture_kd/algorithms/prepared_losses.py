"""Losses that prepare for the student: what they do of the teacher before it runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from typing import Any

import torch
from mmrazor.models.distillers import ConfigurableDistiller
from torch import nn

__all__ = ["prepared_losses"]


@contextmanager
def prepared_losses(distiller: nn.Module, student: nn.Module) -> Iterator[None]:
    """Let losses prepare when the student starts, within this context.

    A loss with a method ``prepare`` is given those arguments of its ``forward`` that
    the method has as well. They have to be recorded by then, of the teacher or of the
    data samples, and come without a connector, which would be run twice; otherwise the
    loss is left to itself.

    Args:
        distiller: with the teacher's records. Only MMRazor's ConfigurableDistiller says
            what its losses are given.
        student: whose data samples are recorded as it starts.
    """
    # Recorders of data samples were there before, and record before.
    handle = student.register_forward_pre_hook(lambda *_: _prepare(distiller))
    try:
        yield
    finally:
        handle.remove()


# Not compiled, as the losses are not.
@torch.compiler.disable
def _prepare(distiller: nn.Module) -> None:
    if not isinstance(distiller, ConfigurableDistiller):
        return
    for name, records in distiller.loss_forward_mappings.items():
        loss = distiller.distill_losses[name]
        if not hasattr(loss, "prepare"):
            continue
        names = signature(loss.prepare).parameters.keys() & records.keys()
        wanted = {argument: records[argument] for argument in names}
        if all(_is_recorded(distiller, record) for record in wanted.values()):
            values = {k: distiller.get_record(**record) for k, record in wanted.items()}
            loss.prepare(**values)


def _is_recorded(distiller: ConfigurableDistiller, record: Mapping[str, Any]) -> bool:
    if record.get("connector"):
        return False
    manager = (
        distiller.student_recorders
        if record["from_student"]
        else distiller.teacher_recorders
    )
    records = len(manager.get_recorder(record["recorder"]).data_buffer)
    # An index from behind waits for the last run.
    first = 0 if record["from_student"] else -records
    return first <= record.get("record_idx", 0) < records
