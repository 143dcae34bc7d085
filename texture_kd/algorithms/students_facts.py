"""What losses have to know of the student, which says it once."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from texture_kd.faults import Faults
from texture_kd.input_channels import input_channels
from texture_kd.network_facts import with_fact
from texture_kd.predicting_head import predicting_head

__all__ = ["with_students_facts"]


def with_students_facts(distiller: Mapping, student: nn.Module) -> dict:
    """Tell the losses which label the student ignores and what its images are.

    Args:
        distiller: config of MMRazor's ConfigurableDistiller; it stays as it is.
        student: that learns from the labels, and whose images losses look at.

    Returns:
        The config. Each loss that has ``ignore_index`` is given that of the student's
        decode head, and each that has ``image_channels`` the student's.

    Raises:
        ValueError: a loss is written with another one.
    """
    losses = distiller.get("distill_losses")
    # A distiller of another kind need not take any.
    if not losses:
        return dict(distiller)
    faults = Faults()
    given = {
        name: _with_facts(name, loss, student, faults) for name, loss in losses.items()
    }
    faults.refuse()
    return dict(distiller, distill_losses=given)


def _with_facts(
    name: str, loss: Mapping[str, Any], student: nn.Module, faults: Faults
) -> Mapping[str, Any]:
    ignored = getattr(predicting_head(student), "ignore_index", None)
    if ignored is not None:
        said = f"the student's decode head ignores the label {ignored}"
        with faults:
            loss = with_fact(name, loss, "ignore_index", ignored, said)
    channels = input_channels(student)
    said = f"the student's images have {channels} channels"
    with faults:
        loss = with_fact(name, loss, "image_channels", channels, said)
    return loss
