"""Distances of a student's statistical texture from the teacher's: SSTKD, Eq. 7."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from texture_kd.functional.self_similarity import cosine_self_similarity
from texture_kd.functional.texture_histogram import HistogramOptions, texture_histogram
from texture_kd.losses.texture_extractor import standardised

Reduction = Literal["mean", "sum_channels"]


def learnt_distance(
    students: Sequence[Tensor], teachers: Sequence[Tensor], reduction: Reduction
) -> Tensor:
    """Compare learnt texture, each channel standardised in each region.

    Args:
        students: F^sta (R, D, h, w) of each group of regions.
        teachers: the same of the teacher, (R, D, h', w'); no gradient flows into them.
        reduction: mean or sum over the channels.

    Returns:
        The mean over the regions of the mean over their pixels.
    """
    distances = []
    for student, teacher in zip(students, teachers, strict=True):
        student = standardised(_on_grid(student, teacher))
        distances.append(_squared(student, standardised(teacher.detach()), reduction))
    return torch.cat(distances).mean()


def histogram_distance(
    students: Sequence[Tensor],
    teachers: Sequence[Tensor],
    options: HistogramOptions,
    reduction: Reduction,
) -> Tensor:
    """Compare histograms, and the pixels' intensities, with nothing learnt.

    Args:
        students: features (R, C, h, w) of each group of regions.
        teachers: the same of the teacher, (R, C', h', w').
        options: how histograms are made.
        reduction: mean or sum over levels' two numbers.

    Returns:
        The sum of two means over the regions: of the nodes' distance, and of the
        intensities'.
    """
    nodes, pixels = [], []
    for pair in zip(students, teachers, strict=True):
        similarities = [cosine_self_similarity(x) for x in pair]
        s, t = (texture_histogram(x.flatten(1), options) for x in similarities)
        s_map, t_map = (
            histogram.intensity.reshape(x.shape)[:, None]
            for histogram, x in zip((s, t), similarities, strict=True)
        )
        nodes.append(_squared(s.nodes, t.nodes, reduction))
        pixels.append(_squared(_on_grid(s_map, t_map), t_map, reduction))
    return torch.cat(nodes).mean() + torch.cat(pixels).mean()


def _squared(student: Tensor, teacher: Tensor, reduction: Reduction) -> Tensor:
    """Return the distance (R,) of each region's (R, D, ...) from the teacher's."""
    squared = (student - teacher).square().flatten(2).mean(2)
    return squared.mean(1) if reduction == "mean" else squared.sum(1)


def _on_grid(x: Tensor, target: Tensor) -> Tensor:
    if x.shape[-2:] == target.shape[-2:]:
        return x
    return F.interpolate(x, target.shape[-2:], mode="bilinear", align_corners=False)
