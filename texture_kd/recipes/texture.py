"""Texture: correlations of contourlet bands over all stages."""

from typing import Any

from texture_kd.losses.texture import TextureLoss
from texture_kd.recipes.term import Shapes, Term


def texture(student: Shapes, teacher: Shapes, **options: Any) -> dict[str, Term]:
    """Return the term of texture distillation.

    Args:
        student: sizes of the student's stages.
        teacher: sizes of as many of the teacher.
        **options: of :class:`~texture_kd.losses.TextureLoss`.
    """
    loss = TextureLoss(student.channels, teacher.channels, **options)
    arguments = dict(student="student.stages", teacher="teacher.stages", valid="valid")
    return {"loss_texture": Term(loss, arguments)}
