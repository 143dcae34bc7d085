"""Methods that compare logits alone: the response, and CWD."""

from typing import Any

from texture_kd.losses.cwd import CWDLoss
from texture_kd.losses.response import ResponseKDLoss
from texture_kd.recipes.arguments import LOGITS
from texture_kd.recipes.term import Shapes, Term


def response(student: Shapes, teacher: Shapes, **options: Any) -> dict[str, Term]:
    """Return the term of response distillation (SSTKD, Eq. 8).

    Args:
        student: not read.
        teacher: likewise.
        **options: of :class:`~texture_kd.losses.ResponseKDLoss`.
    """
    return {"loss_response": Term(ResponseKDLoss, LOGITS, options)}


def cwd(student: Shapes, teacher: Shapes, **options: Any) -> dict[str, Term]:
    """Return the term of channel-wise distillation, with MMRazor's weight.

    Args:
        student: not read.
        teacher: likewise.
        **options: of :class:`~texture_kd.losses.CWDLoss`; the weight is 5 by default.
    """
    return {"loss_cwd": Term(CWDLoss, LOGITS, {"loss_weight": 5.0, **options})}
