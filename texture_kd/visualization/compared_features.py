"""The features that structural losses compare, decomposed for a picture."""

from collections.abc import Mapping

import torch
from mmrazor.models.algorithms import BaseAlgorithm
from torch import Tensor

from texture_kd.functional import contourlet
from texture_kd.losses import CDMLoss

from .contourlet import Decomposed
from .recorded import recorded

__all__ = ["compared_features"]


@torch.no_grad()
def compared_features(
    algorithm: BaseAlgorithm, data: Mapping
) -> dict[str, dict[str, Decomposed]]:
    """Run teacher and student, and decompose what each CDMLoss compares.

    Args:
        algorithm: a distillation, see :func:`.recorded.recorded`.
        data: one image as ``algorithm.data_preprocessor`` returns it.

    Returns:
        For each CDMLoss its name and value, and under it ``teacher`` and ``student``,
        the student's feature with the channels and on the grid of the teacher's.

    Raises:
        ValueError: a feature does not fit its loss.
    """
    return {
        f"{name} = {loss(**features):.3g}": _decomposed(loss, **features)
        for name, loss, features in recorded(algorithm, data, CDMLoss)
    }


def _decomposed(
    loss: CDMLoss, s_feature: Tensor, t_feature: Tensor
) -> dict[str, Decomposed]:
    student, teacher = loss.compared(s_feature, t_feature)
    return {
        name: Decomposed(x, contourlet(x, *loss.options))
        for name, x in (("teacher", teacher), ("student", student))
    }
