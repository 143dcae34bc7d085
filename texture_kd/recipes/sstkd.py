"""SSTKD: structural and statistical texture of two stages, and the response."""

from texture_kd.losses.response import ResponseKDLoss
from texture_kd.losses.statistical import DTIEMLoss
from texture_kd.losses.structural import CDMLoss
from texture_kd.recipes.term import Shapes, Term

_LOGITS = dict(
    preds_S="student.logits", preds_T="teacher.logits", gt="labels", valid="valid"
)


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
    terms = {
        f"loss_structural_stage{i + 1}": Term(
            CDMLoss(ours, theirs, levels=(4, 3), loss_weight=2.0),
            dict(
                s_feature=f"student.stages.{i}",
                t_feature=f"teacher.stages.{i}",
                valid="valid",
            ),
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
        DTIEMLoss(ours, theirs, loss_weight=20.0), dict(statistical, valid="valid")
    )
    terms["loss_response"] = Term(
        ResponseKDLoss(ignore_index=ignore_index, loss_weight=5.0), _LOGITS
    )
    return terms
