"""A distiller's config, checked against the networks that it is for."""

from collections.abc import Mapping

from torch import nn

from texture_kd.algorithms.class_counts import check_channels, check_label_classes
from texture_kd.algorithms.distiller_checks import check_mappings, check_sources
from texture_kd.algorithms.distiller_parts import built_parts, with_parts
from texture_kd.algorithms.students_facts import with_students_facts
from texture_kd.faults import Faults

__all__ = ["sound_distiller"]


def sound_distiller(
    distiller: Mapping,
    student: nn.Module | None,
    teacher: nn.Module | None,
    faults: Faults,
) -> dict:
    """Return a distiller's config with its losses and connectors built.

    Args:
        distiller: config of MMRazor's ConfigurableDistiller, in its words; it stays as
            it is.
        student: the network that is trained. Without it, or the teacher, which could
            not be built, the distiller is checked for what it says by itself.
        teacher: the frozen one.
        faults: where all is said that is wrong.
    """
    with faults:
        check_mappings(distiller)
    for side, network in (("student", student), ("teacher", teacher)):
        if network is not None:
            with faults:
                check_sources(distiller.get(f"{side}_recorders") or {}, network, side)
    if student is not None:
        with faults:
            check_label_classes(distiller, student)
        with faults:
            distiller = with_students_facts(distiller, student)
    parts = built_parts(distiller, faults)
    if student is not None and teacher is not None:
        with faults:
            losses = parts.get("distill_losses", {})
            check_channels(distiller, losses, student, teacher)
    return with_parts(distiller, parts)
