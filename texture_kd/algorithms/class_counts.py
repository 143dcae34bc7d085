"""Checks that networks and losses of a distillation know the same classes."""

from collections.abc import Mapping

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import nn

from texture_kd.algorithms.softmax_losses import SOFTMAX_ALONE, of_softmax
from texture_kd.faults import Faults
from texture_kd.predicting_head import predicting_head

__all__ = ["check_channels", "check_label_classes"]


def check_channels(
    distiller: Mapping,
    losses: Mapping[str, nn.Module],
    student: nn.Module,
    teacher: nn.Module,
) -> None:
    """Check that what losses compare has the same number of classes.

    Args:
        distiller: config of MMRazor's ConfigurableDistiller. What it names and does not
            exist is left to other checks.
        losses: those that could be built.
        student: network whose records are compared.
        teacher: network that they are compared with.

    Raises:
        ValueError: the two networks predict different numbers of classes, or a loss
            has no use for a head of one channel.
    """
    sides = {
        True: (distiller.get("student_recorders") or {}, dict(student.named_modules())),
        False: (
            distiller.get("teacher_recorders") or {},
            dict(teacher.named_modules()),
        ),
    }
    faults = Faults()
    for name, records in (distiller.get("loss_forward_mappings") or {}).items():
        counts = {}
        for record in records.values():
            recorders, modules = sides[bool(record.get("from_student"))]
            source = str(recorders.get(record.get("recorder"), {}).get("source"))
            module = modules.get(source)
            if _predicts(source, module) and not record.get("connector"):
                counts[bool(record.get("from_student"))] = module.out_channels
        with faults:
            _check_counts(name, losses.get(name), counts)
    faults.refuse()


def _predicts(source: str, module: nn.Module | None) -> bool:
    """Tell whether a module returns logits: a decode head, or the last within it."""
    last = isinstance(module, nn.Conv2d) and source.endswith(("conv_seg", "cls_seg"))
    return last or isinstance(module, BaseDecodeHead)


def _check_counts(
    name: str, loss: nn.Module | None, counts: Mapping[bool, int]
) -> None:
    found = {*counts.values()}
    if 1 in found and isinstance(loss, SOFTMAX_ALONE):
        raise ValueError(
            f"{name} ({type(loss).__name__}) compares softmax distributions, and that "
            "of a decode head with out_channels=1 is constant: take ResponseKDLoss, "
            "which reads it as a sigmoid"
        )
    if found == {1, 2} and of_softmax(loss):
        return
    if len(found) > 1:
        raise ValueError(
            f"{name} compares the logits of a student with {counts[True]} classes "
            f"and of a teacher with {counts[False]}: give both the same "
            "num_classes, and the same out_channels."
        )


def check_label_classes(distiller: Mapping, student: nn.Module) -> None:
    """Check that losses learn from the classes that the student learns from.

    Args:
        distiller: config of MMRazor's ConfigurableDistiller.
        student: that learns from the labels.

    Raises:
        ValueError: a loss is written with another number of classes.
    """
    head = predicting_head(student)
    if not hasattr(head, "num_classes"):
        return
    # MMSegmentation's head for a single class has the labels 0 and 1.
    expected = max(2, head.num_classes)
    faults = Faults()
    for name, loss in (distiller.get("distill_losses") or {}).items():
        if loss.get("num_classes") not in (None, expected):
            faults.found.append(
                f"{name} has num_classes={loss['num_classes']}, and the labels that "
                f"the student learns from have {expected}: set {name}.num_classes="
                f"{expected}"
            )
    faults.refuse()
