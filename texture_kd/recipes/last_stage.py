"""Methods that compare the last stage: FAKD, LSFD and SKD."""

from typing import Any

from texture_kd.losses.fakd import FAKDLoss
from texture_kd.losses.lsfd import LSFDLoss
from texture_kd.losses.pairwise import PairwiseKDLoss
from texture_kd.losses.response import ResponseKDLoss
from texture_kd.recipes.arguments import LOGITS, ignored, last_stage, stage_pair
from texture_kd.recipes.term import Shapes, Term


def fakd(student: Shapes, teacher: Shapes, **options: Any) -> dict[str, Term]:
    """Return the term of FAKD: affinities of the last stage.

    Args:
        student: sizes of the student's stages.
        teacher: sizes of as many of the teacher.
        **options: of :class:`~texture_kd.losses.FAKDLoss`.

    Raises:
        ValueError: there are no stages.
    """
    pair = stage_pair(last_stage("fakd", student))
    return {"loss_affinity": Term(FAKDLoss, pair, options)}


def lsfd(student: Shapes, teacher: Shapes, **options: Any) -> dict[str, Term]:
    """Return the term of LSFD: the last stage, most where the predictions differ.

    Args:
        student: sizes of the student's stages.
        teacher: sizes of as many of the teacher.
        **options: of :class:`~texture_kd.losses.LSFDLoss`.

    Raises:
        ValueError: there are no stages.
    """
    last = last_stage("lsfd", student)
    channels = dict(
        student_channels=student.channels[last], teacher_channels=teacher.channels[last]
    )
    arguments = stage_pair(last) | LOGITS
    return {"loss_lfd": Term(LSFDLoss, arguments, channels | options)}


def skd(
    student: Shapes, teacher: Shapes, ignore_index: int | None = None
) -> dict[str, Term]:
    """Return SKD's terms, both with its weight: the response, and pairs of positions.

    Args:
        student: sizes of the student's stages.
        teacher: sizes of as many of the teacher.
        ignore_index: label of the pixels that the response leaves out; by default 255,
            or in a config the student's.

    Raises:
        ValueError: there are no stages.
    """
    pair = stage_pair(last_stage("skd", student))
    response = dict(ignored(ignore_index), loss_weight=10.0)
    return {
        "loss_pixel": Term(ResponseKDLoss, LOGITS, response),
        "loss_pair": Term(PairwiseKDLoss, pair, dict(loss_weight=10.0)),
    }
