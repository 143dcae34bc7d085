"""The explicit terms of DS2D2: bands of a Haar split over all stages."""

from typing import Any

from texture_kd.losses.ds2d2 import DS2D2Loss
from texture_kd.recipes.term import Shapes, Term


def explicit(student: Shapes, teacher: Shapes, **options: Any) -> dict[str, Term]:
    """Return the explicit terms of DS2D2, without amplifiers.

    Args:
        student: sizes of the student's stages.
        teacher: sizes of as many of the teacher.
        **options: of :class:`~texture_kd.losses.DS2D2Loss`; objects are not weighted.
    """
    options = {"weighting": "none", **options}
    loss = DS2D2Loss(student.channels, teacher.channels, **options)
    arguments = dict(student="student.stages", teacher="teacher.stages", valid="valid")
    return {"loss_ds2d2": Term(loss, arguments)}
