"""SSTKD: structural and statistical texture of two stages, and the response."""

from texture_kd.losses.response import ResponseKDLoss
from texture_kd.losses.statistical import DTIEMLoss
from texture_kd.losses.structural import CDMLoss
from texture_kd.recipes.arguments import LOGITS, stage_pair
from texture_kd.recipes.term import Shapes, Term


def sstkd(student: Shapes, teacher: Shapes, ignore_index: int = 255) -> dict[str, Term]:
    """Return the terms of SSTKD (Eq. 10), but for the adversarial one.

    Args:
        student: sizes of the student's first two stages; more are not read.
        teacher: likewise of the teacher.
        ignore_index: label of the pixels that the response leaves out.

    Raises:
        ValueError: a network has a single stage.
    """
    pairs = list(zip(student.channels, teacher.channels, strict=True))[:2]
    if len(pairs) < 2:
        raise ValueError("sstkd compares the first two stages: name two at least")
    options = dict(levels=(4, 3), loss_weight=2.0)
    terms = {
        f"loss_structural_stage{i + 1}": Term(
            CDMLoss,
            stage_pair(i),
            dict(student_channels=ours, teacher_channels=theirs, **options),
        )
        for i, (ours, theirs) in enumerate(pairs)
    }
    ours, theirs = (sum(channels) for channels in zip(*pairs, strict=True))
    statistical = {
        f"{side[0]}_stage{i + 1}": f"{side}.stages.{i}"
        for side in ("student", "teacher")
        for i in range(2)
    }
    terms["loss_statistical"] = Term(
        DTIEMLoss,
        dict(statistical, valid="valid"),
        dict(student_channels=ours, teacher_channels=theirs, loss_weight=20.0),
    )
    terms["loss_response"] = Term(
        ResponseKDLoss, LOGITS, dict(ignore_index=ignore_index, loss_weight=5.0)
    )
    return terms
