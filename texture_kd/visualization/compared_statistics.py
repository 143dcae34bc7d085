"""The regions and histograms that statistical losses compare, for a picture."""

from collections.abc import Mapping

import torch
from mmrazor.models.algorithms import BaseAlgorithm
from torch import Tensor

from texture_kd.functional import (
    HistogramOptions,
    Regions,
    cosine_self_similarity,
    important_points,
    region_self_similarity,
    region_std,
)
from texture_kd.losses import DTIEMLoss
from texture_kd.losses.statistical import Compared

from .recorded import recorded
from .sampled import Sampled, equalised, shown_regions

__all__ = ["compared_statistics"]


@torch.no_grad()
def compared_statistics(
    algorithm: BaseAlgorithm, data: Mapping
) -> dict[str, dict[str, Sampled]]:
    """Run teacher and student, and count what each DTIEMLoss compares.

    Args:
        algorithm: a distillation in eval mode, see :func:`.recorded.recorded`, whose
            regions are then those of the next training step, each time the same.
        data: one image as ``algorithm.data_preprocessor`` returns it.

    Returns:
        For each DTIEMLoss its name and value, and under it ``teacher`` and
        ``student``. The loss's part that needs labels is left out.

    Raises:
        ValueError: a feature does not fit its loss.
    """
    return {
        f"{name} = {_value(loss, features)}": _sampled(loss, features)
        for name, loss, features in recorded(algorithm, data, DTIEMLoss)
    }


def _value(loss: DTIEMLoss, features: Mapping[str, Tensor]) -> str:
    """Say what the loss is made of, but for its part that depends on labels."""
    stage = features["t_stage2"]
    any_labels = torch.zeros(len(stage), 1, 1, dtype=torch.int64, device=stage.device)
    learns = loss.texture is not None and loss.texture.auxiliary_head is not None
    loss(**features, gt=any_labels if learns else None)
    value = f"texture {loss.parts['texture']:.3g}"
    if learns:
        value = f"({value} + auxiliary, which needs labels)"
    return f"{loss.loss_weight:g} × {value}"


def _sampled(loss: DTIEMLoss, features: Mapping[str, Tensor]) -> dict[str, Sampled]:
    student, teacher = loss.compared(**features)
    order = [] if loss.sampler is None else _by_contrast(teacher)
    return {
        name: _side(loss, side, order)
        for name, side in (("teacher", teacher), ("student", student))
    }


def _by_contrast(teacher: Compared) -> list[int]:
    """Return the order that the sampler chose the teacher's regions by."""
    similarity = cosine_self_similarity(teacher.stages)
    contrast = region_std(similarity, teacher.regions.boxes[None])[0]
    return contrast.argsort(descending=True).tolist()


def _side(loss: DTIEMLoss, side: Compared, order: list[int]) -> Sampled:
    important, shown = 0, {0: 0}
    if order:
        important = important_points(len(order), loss.sampler.options.importance)
        shown = {n: order[n - 1] for n in shown_regions(important, len(order))}
    similarity = region_self_similarity(side.features, side.regions)
    # Sorted similarities are compared as they are, and are drawn as histograms too.
    options = HistogramOptions() if loss.texture is None else loss.texture.options
    return Sampled(
        cosine_self_similarity(side.stages)[0],
        side.regions.boxes[order],
        important,
        {
            number: equalised(_map(similarity, side.regions, index), options)
            for number, index in shown.items()
        },
    )


def _map(values: Tensor, regions: Regions, index: int) -> Tensor:
    """Return the values (1, h, w) of one region's pixels, (1, 1, P) of some of them."""
    y0, x0, y1, x1 = regions.boxes[index].tolist()
    own = values[regions.region == index]
    whole = len(own) == (y1 - y0) * (x1 - x0)
    return own.view((1, y1 - y0, x1 - x0) if whole else (1, 1, -1))
