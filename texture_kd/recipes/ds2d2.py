"""The explicit terms of DS2D2: bands of a Haar split over all stages."""

from typing import Any

from texture_kd.losses.ds2d2 import DS2D2Loss
from texture_kd.recipes.arguments import STAGES
from texture_kd.recipes.term import Shapes, Term


def ds2d2(student: Shapes, teacher: Shapes, **options: Any) -> dict[str, Term]:
    """Return DS2D2's explicit terms, without amplifiers.

    Amplifiers are heads that were trained beforehand, and objects are found in label
    maps by a pipeline; neither is known here.

    Args:
        student: sizes of the student's stages.
        teacher: sizes of as many of the teacher.
        **options: of :class:`~texture_kd.losses.DS2D2Loss`; objects are not weighted.
    """
    options = {"weighting": "none", **options}
    channels = dict(
        student_channels=student.channels, teacher_channels=teacher.channels
    )
    return {"loss_ds2d2": Term(DS2D2Loss, STAGES, channels | options)}
