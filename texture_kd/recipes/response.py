"""Response: the class distributions at each pixel."""

from typing import Any

from texture_kd.losses.response import ResponseKDLoss
from texture_kd.recipes.term import Shapes, Term


def response(student: Shapes, teacher: Shapes, **options: Any) -> dict[str, Term]:
    """Return the term of response distillation (SSTKD, Eq. 8).

    Args:
        student: not read.
        teacher: likewise.
        **options: of :class:`~texture_kd.losses.ResponseKDLoss`.
    """
    arguments = dict(
        preds_S="student.logits", preds_T="teacher.logits", gt="labels", valid="valid"
    )
    return {"loss_response": Term(ResponseKDLoss(**options), arguments)}
