"""Texture: correlations of contourlet bands over all stages."""

from typing import Any

from texture_kd.losses.texture import TextureLoss
from texture_kd.recipes.arguments import STAGES
from texture_kd.recipes.term import Shapes, Term


def texture(student: Shapes, teacher: Shapes, **options: Any) -> dict[str, Term]:
    """Return the term of texture distillation.

    Args:
        student: sizes of the student's stages.
        teacher: sizes of as many of the teacher.
        **options: of :class:`~texture_kd.losses.TextureLoss`.
    """
    channels = dict(
        student_channels=student.channels, teacher_channels=teacher.channels
    )
    return {"loss_texture": Term(TextureLoss, STAGES, channels | options)}
