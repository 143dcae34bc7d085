"""What is left of a model that cannot be built as a whole."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import BaseModel
from mmengine.registry import MODELS
from torch import nn

from texture_kd.algorithms.built_network import tried_network
from texture_kd.algorithms.plain_distiller import plain_distiller
from texture_kd.algorithms.sound_distiller import sound_distiller
from texture_kd.faults import PROBLEMS, Faults

__all__ = ["sound_part"]


def sound_part(model: Mapping[str, Any]) -> nn.Module:
    """Build what can be built of a model, so that more can be told of its training.

    Args:
        model: config of a training's model.

    Returns:
        Of a distillation one of the losses with which nothing is wrong, or the student
        alone; of what has no student that can be built, and of a network, which has no
        parts, an empty module.
    """
    # As a registry does it.
    with MODELS.switch_scope_and_registry(model.get("_scope_")):
        return _sound_part(model)


def _sound_part(model: Mapping[str, Any]) -> nn.Module:
    faults = Faults()
    student, teacher = (
        tried_network(side, model[side], faults) if model.get(side) else None
        for side in ("architecture", "teacher")
    )
    if student is None:
        return nn.Module()
    if teacher is not None:
        with contextlib.suppress(*PROBLEMS):
            return _distillation(model, student, teacher)
    if model.get("data_preprocessor"):
        with contextlib.suppress(*PROBLEMS):
            student.data_preprocessor = MODELS.build(model["data_preprocessor"])
    return student


def _distillation(
    model: Mapping[str, Any], student: BaseModel, teacher: BaseModel
) -> nn.Module:
    """Build a distillation of the losses that are sound.

    Raises:
        ValueError: there is none, or something else is wrong.
    """
    distiller = plain_distiller(model["distiller"])
    losses = [
        name
        for name in distiller.get("distill_losses") or {}
        if _is_sound(_only(distiller, [name]), student, teacher)
    ]
    if not losses:
        raise ValueError("no loss is sound")
    # Its checkpoint and its images are checked by now.
    teacher.data_preprocessor = nn.Identity()
    parts = dict(architecture=student, teacher=teacher, teacher_ckpt=None)
    return MODELS.build(dict(model, **parts, distiller=_only(distiller, losses)))


def _is_sound(distiller: Mapping, student: BaseModel, teacher: BaseModel) -> bool:
    faults = Faults()
    with faults.of("the distiller"):
        sound_distiller(distiller, student, teacher, faults)
    return not faults.found


def _only(distiller: Mapping[str, Any], losses: Sequence[str]) -> dict[str, Any]:
    """Return a distiller's config with some losses, and what these read."""
    mappings = distiller["loss_forward_mappings"]
    kept = {name: mappings.get(name, {}) for name in losses}
    records = [record for given in kept.values() for record in given.values()]
    read = {
        side: {
            x.get("recorder") for x in records if bool(x.get("from_student")) is ours
        }
        for side, ours in (("student_recorders", True), ("teacher_recorders", False))
    }
    used = {record.get("connector") for record in records}
    return dict(
        distiller,
        distill_losses=_chosen(distiller.get("distill_losses"), losses),
        loss_forward_mappings=kept,
        connectors=_chosen(distiller.get("connectors"), used),
        **{side: _chosen(distiller.get(side), names) for side, names in read.items()},
    )


def _chosen(parts: Mapping | None, names: Any) -> dict:
    return {name: part for name, part in (parts or {}).items() if name in names}
