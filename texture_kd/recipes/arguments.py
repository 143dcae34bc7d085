"""What most losses are given of two networks."""

from texture_kd.recipes.term import Shapes

#: Of a loss that compares all stages.
STAGES = dict(student="student.stages", teacher="teacher.stages", valid="valid")

#: Of a loss that compares logits.
LOGITS = dict(
    preds_S="student.logits", preds_T="teacher.logits", gt="labels", valid="valid"
)


def stage_pair(number: int) -> dict[str, str]:
    """Return the arguments of a loss that compares one stage.

    Args:
        number: of the stage, from 0.
    """
    return dict(
        s_feature=f"student.stages.{number}",
        t_feature=f"teacher.stages.{number}",
        valid="valid",
    )


def ignored(index: int | None) -> dict[str, int]:
    """Return the option of losses of logits that says which label they leave out.

    Args:
        index: the label, or None for what is the losses' own, or in a config the
            student's.
    """
    return {} if index is None else dict(ignore_index=index)


def last_stage(method: str, student: Shapes) -> int:
    """Return the number of the last stage, from 0.

    Args:
        method: the name of the method that compares it, for the message.
        student: sizes of the student's stages.

    Raises:
        ValueError: there are no stages.
    """
    if not student.stages:
        raise ValueError(f"{method} compares the last stage: name one at least")
    return len(student.stages) - 1
