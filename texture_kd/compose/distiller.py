"""The terms of a method as MMRazor's distiller has them."""

from collections.abc import Mapping, Sequence
from typing import Any

from texture_kd.compose.networks import Network
from texture_kd.recipes import Term

__all__ = ["distiller_config"]

_GIVEN = dict(
    images=dict(type="ModuleInputs", source="backbone"),
    labels=dict(type="GroundTruth", source="gt_sem_seg"),
    valid=dict(type="ValidArea"),
)


def distiller_config(
    terms: Mapping[str, Term], student: Network, teacher: Network
) -> dict[str, Any]:
    """Return the config of a distiller that computes the terms.

    Args:
        terms: of classes that a config can name, not of built modules.
        student: with as many stages as the teacher.
        teacher: that it learns from.

    Raises:
        ValueError: a term reads logits, and no module of a network returns them.
    """
    sources = [source for term in terms.values() for source in term.arguments.values()]
    networks = dict(student=student, teacher=teacher)
    recorders = {
        side: {
            _recorder(source): _recorded(side, source, network)
            for source in sources
            if source.startswith(side)
        }
        for side, network in networks.items()
    }
    recorders["student"] |= {k: v for k, v in _GIVEN.items() if k in sources}
    return dict(
        type="ConfigurableDistiller",
        student_recorders=recorders["student"],
        teacher_recorders=recorders["teacher"],
        distill_losses={
            name: dict(type=term.loss.__name__, **term.options)
            for name, term in terms.items()
        },
        loss_forward_mappings={
            name: {k: _record(x, recorders) for k, x in term.arguments.items()}
            for name, term in terms.items()
        },
    )


def _recorder(source: str) -> str:
    """Return the name of the recorder of a source, such as ``stage1``."""
    name, _, index = source.partition(".")[2].partition(".")
    return f"stage{int(index) + 1}" if index else name or source


def _record(source: str, recorders: Mapping[str, Mapping]) -> dict[str, Any]:
    side = source.partition(".")[0] if "." in source else "student"
    name = _recorder(source)
    record = dict(from_student=side == "student", recorder=name)
    if name == "images":
        return dict(record, data_idx=0)
    if name.startswith("stage") and recorders[side][name]["type"] == "Stages":
        # Of a single stage it is a tuple all the same.
        return record if name == "stages" else dict(record, data_idx=0)
    return record


def _recorded(side: str, source: str, network: Network) -> dict[str, Any]:
    """Return the recorder of a source."""
    what, _, index = source.partition(".")[2].partition(".")
    if what == "logits":
        if network.logits is None:
            raise ValueError(
                f"no module of the {side}'s decode head returns the logits of its "
                f"{network.classes} classes: take a method that compares stages alone"
            )
        return dict(type="ModuleOutputs", source=network.logits)
    if not index and network.whole:
        return dict(type="ModuleOutputs", source=network.whole)
    names = [stage.source for stage in network.stages]
    return _of_modules([names[int(index)]] if index else names, bool(index))


def _of_modules(names: Sequence[str], single: bool) -> dict[str, Any]:
    if single and ":" not in names[0]:
        return dict(type="ModuleOutputs", source=names[0])
    return dict(type="Stages", source=list(names))
