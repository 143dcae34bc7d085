"""SSTKD: structural and statistical texture of two stages, response and adversary."""

from texture_kd.losses.adversarial import AdversarialLoss
from texture_kd.losses.response import ResponseKDLoss
from texture_kd.losses.statistical import DTIEMLoss
from texture_kd.losses.structural import CDMLoss
from texture_kd.recipes.arguments import LOGITS, ignored, stage_pair
from texture_kd.recipes.term import Shapes, Term


def sstkd(
    student: Shapes,
    teacher: Shapes,
    ignore_index: int | None = None,
    adversarial: bool = False,
) -> dict[str, Term]:
    """Return the terms of SSTKD (Eq. 10).

    Args:
        student: sizes of the student's first two stages; more are not read.
        teacher: likewise of the teacher.
        ignore_index: label of the pixels that logits leave out; by default 255, or in
            a config the student's.
        adversarial: have the adversarial term (Eq. 9), too. Its critic learns in a
            rhythm of its own: give ``critic.parameters()`` an optimiser, Adam with
            betas (0, 0.9) and a rate of 4e-4 in the paper's spirit.

    Raises:
        ValueError: a network has a single stage, or the student gives no logits for the
            adversarial term.
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
        ResponseKDLoss, LOGITS, dict(ignored(ignore_index), loss_weight=5.0)
    )
    if adversarial:
        terms["loss_adversarial"] = _adversarial(student, ignore_index)
    return terms


def _adversarial(student: Shapes, ignore_index: int | None) -> Term:
    if student.logits is None:
        raise ValueError("sstkd's adversarial term compares logits: there are none")
    options = dict(
        # A sigmoid's single channel tells two classes apart.
        num_classes=max(student.logits[1], 2),
        image_channels=student.images[1],
        loss_weight=0.01,
        **ignored(ignore_index),
    )
    return Term(AdversarialLoss, dict(LOGITS, image="images"), options)
