"""Plain feature distillation over all stages: PKD and FitNets."""

from typing import Any

from texture_kd.losses.feature import FeatureKDLoss
from texture_kd.recipes.term import Shapes, Term

_ARGUMENTS = dict(student="student.stages", teacher="teacher.stages", valid="valid")


def pkd(student: Shapes, teacher: Shapes, **options: Any) -> dict[str, Term]:
    """Return the term of PKD: standardised features of all stages.

    Args:
        student: sizes of the student's stages.
        teacher: sizes of as many of the teacher.
        **options: of :class:`~texture_kd.losses.FeatureKDLoss`; the weight is 4 by
            default.
    """
    options = {"loss_weight": 4.0, **options}
    loss = FeatureKDLoss(student.channels, teacher.channels, **options)
    return {"loss_pkd": Term(loss, _ARGUMENTS)}


def fitnet(student: Shapes, teacher: Shapes, **options: Any) -> dict[str, Term]:
    """Return the term of FitNets: features of all stages as they are.

    Args:
        student: sizes of the student's stages.
        teacher: sizes of as many of the teacher.
        **options: of :class:`~texture_kd.losses.FeatureKDLoss`.
    """
    options = {"standardise": False, **options}
    loss = FeatureKDLoss(student.channels, teacher.channels, **options)
    return {"loss_fitnet": Term(loss, _ARGUMENTS)}
