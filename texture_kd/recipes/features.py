"""Plain feature distillation over all stages: PKD and FitNets."""

from typing import Any

from texture_kd.losses.feature import FeatureKDLoss
from texture_kd.recipes.arguments import STAGES
from texture_kd.recipes.term import Shapes, Term


def pkd(student: Shapes, teacher: Shapes, **options: Any) -> dict[str, Term]:
    """Return the term of PKD: standardised features of all stages.

    Args:
        student: sizes of the student's stages.
        teacher: sizes of as many of the teacher.
        **options: of :class:`~texture_kd.losses.FeatureKDLoss`; the weight is 4 by
            default.
    """
    options = {"loss_weight": 4.0, **options}
    return {"loss_pkd": _term(student, teacher, options)}


def fitnet(student: Shapes, teacher: Shapes, **options: Any) -> dict[str, Term]:
    """Return the term of FitNets: features of all stages as they are.

    Args:
        student: sizes of the student's stages.
        teacher: sizes of as many of the teacher.
        **options: of :class:`~texture_kd.losses.FeatureKDLoss`.
    """
    options = {"standardise": False, **options}
    return {"loss_fitnet": _term(student, teacher, options)}


def _term(student: Shapes, teacher: Shapes, options: dict[str, Any]) -> Term:
    channels = dict(
        student_channels=student.channels, teacher_channels=teacher.channels
    )
    return Term(FeatureKDLoss, STAGES, channels | options)
