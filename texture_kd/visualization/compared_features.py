"""The features that structural losses compare, decomposed for a picture."""

from collections.abc import Mapping

import torch
from mmrazor.models.algorithms import BaseAlgorithm
from torch import Tensor

from texture_kd.functional import contourlet
from texture_kd.losses import CDMLoss

from .contourlet import Decomposed

__all__ = ["compared_features"]


@torch.no_grad()
def compared_features(
    algorithm: BaseAlgorithm, data: Mapping
) -> dict[str, dict[str, Decomposed]]:
    """Run teacher and student, and decompose what each CDMLoss compares.

    Both run as they are, without losses: in eval mode their features are those of
    inference, while training compares those of its batch statistics and dropout.

    Args:
        algorithm: a distillation with MMRazor's ConfigurableDistiller.
        data: one image as ``algorithm.data_preprocessor`` returns it.

    Returns:
        For each CDMLoss its name and value, and under it ``teacher`` and ``student``,
        the student's feature with the channels and on the grid of the teacher's.

    Raises:
        ValueError: a feature does not fit its loss.
    """
    _record(algorithm, data)
    distiller = algorithm.distiller
    pairs = {}
    for name, records in distiller.loss_forward_mappings.items():
        loss = distiller.distill_losses[name]
        if isinstance(loss, CDMLoss):
            features = {key: distiller.get_record(**records[key]) for key in records}
            title = f"{name} = {loss(**features):.3g}"
            pairs[title] = _decomposed(loss, **features)
    return pairs


def _record(algorithm: BaseAlgorithm, data: Mapping) -> None:
    distiller = algorithm.distiller
    # What the teacher delivers, the student gets.
    distiller.set_deliveries_override(False)
    with distiller.teacher_recorders, distiller.deliveries:
        algorithm.teacher(**data, mode="tensor")
    distiller.set_deliveries_override(True)
    with distiller.student_recorders, distiller.deliveries:
        algorithm.student(**data, mode="tensor")


def _decomposed(
    loss: CDMLoss, s_feature: Tensor, t_feature: Tensor
) -> dict[str, Decomposed]:
    student, teacher = loss.compared(s_feature, t_feature)
    return {
        name: Decomposed(x, contourlet(x, loss.levels, loss.pyramid, loss.directional))
        for name, x in (("teacher", teacher), ("student", student))
    }
