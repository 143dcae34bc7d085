"""What the losses of a distillation compare, of one image."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmrazor.models.algorithms import BaseAlgorithm
from torch import nn

__all__ = ["recorded"]


def recorded(
    algorithm: BaseAlgorithm,
    data: Mapping,
    kind: type[nn.Module] | tuple[type[nn.Module], ...],
) -> Iterator[tuple[str, nn.Module, dict[str, Any]]]:
    """Run teacher and student, and return what each loss of a kind is called with.

    Both run as they are, without losses: in eval mode their features are those of
    inference, while training compares those of its batch statistics and dropout.

    Args:
        algorithm: a distillation with MMRazor's ConfigurableDistiller.
        data: one image as ``algorithm.data_preprocessor`` returns it.
        kind: the class of the losses, or several.

    Yields:
        The name of each loss, the loss, and its arguments but the labels ``gt`` and the
        ``valid`` area.
    """
    _record(algorithm, data)
    distiller = algorithm.distiller
    for name, records in distiller.loss_forward_mappings.items():
        loss = distiller.distill_losses[name]
        if isinstance(loss, kind):
            # Labels are there in a training only, and one image is not padded.
            wanted = records.keys() - {"gt", "valid"}
            features = {key: distiller.get_record(**records[key]) for key in wanted}
            yield name, loss, features


def _record(algorithm: BaseAlgorithm, data: Mapping) -> None:
    distiller = algorithm.distiller
    # What the teacher delivers, the student gets.
    distiller.set_deliveries_override(False)
    with distiller.teacher_recorders, distiller.deliveries:
        algorithm.teacher(**data, mode="tensor")
    distiller.set_deliveries_override(True)
    with distiller.student_recorders, distiller.deliveries:
        algorithm.student(**data, mode="tensor")
