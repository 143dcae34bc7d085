"""The features that structural losses compare, decomposed for a picture."""

from collections.abc import Mapping

import torch
from mmrazor.models.algorithms import BaseAlgorithm

from texture_kd.functional import contourlet
from texture_kd.losses import CDMLoss, TextureLoss
from texture_kd.losses.structural import Compared

from .contourlet import Decomposed
from .recorded import recorded

__all__ = ["compared_features"]


@torch.no_grad()
def compared_features(
    algorithm: BaseAlgorithm, data: Mapping
) -> dict[str, dict[str, Decomposed]]:
    """Run teacher and student, and decompose what structural losses compare.

    Args:
        algorithm: a distillation, see :func:`.recorded.recorded`.
        data: one image as ``algorithm.data_preprocessor`` returns it.

    Returns:
        For each CDMLoss, and each stage of each TextureLoss, its name and value, and
        under it ``teacher`` and ``student``, the student's feature with the channels
        and on the grid of the teacher's. A stage's value is before the loss's weight.

    Raises:
        ValueError: a feature does not fit its loss.
    """
    groups = {}
    for name, loss, features in recorded(algorithm, data, (CDMLoss, TextureLoss)):
        value = loss(**features)
        if isinstance(loss, CDMLoss):
            groups[f"{name} = {value:.3g}"] = _decomposed(loss.compared(**features))
            continue
        for stage, pair in loss.compared(**features).items():
            title = f"{name}, {stage} = {loss.parts[stage]:.3g}"
            groups[title] = _decomposed(pair)
    return groups


def _decomposed(pair: Compared) -> dict[str, Decomposed]:
    return {
        name: Decomposed(x, contourlet(x, *pair.options))
        for name, x in (("teacher", pair.teacher), ("student", pair.student))
    }
