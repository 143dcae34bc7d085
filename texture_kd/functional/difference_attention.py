r"""Where teacher and student disagree: the attention of LSFD, Eq. 3."""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from .adaptive_mean import adaptive_mean
from .choices import check_choice
from .valid_area import valid_area, valid_only

Source = Literal["prob", "logit", "logit_centered"]

_SMALLEST = 1e-12


def difference_attention(
    teacher: Tensor,
    student: Tensor,
    size: tuple[int, int],
    source: Source = "prob",
    ignored: Tensor | None = None,
    unit_mean: bool = True,
    valid: Tensor | None = None,
) -> Tensor:
    r"""Weigh the positions of a feature by how much two predictions differ there.

    .. math::

        A = P\left( \sum_c |p_c^T - p_c^S| \right)

    (LSFD, Eq. 3), where P brings the map to the feature's grid. The paper's p are the
    colours of two images; here they are class probabilities, or logits:

    - ``prob``: softmax of the logits; the sum is from 0 to 2.
    - ``logit``: the logits as they are, or colours. A constant that is added to all
      classes of a pixel makes no difference to its prediction, and does so here.
    - ``logit_centered``: the logits, less their mean over the classes.

    Along an axis that shrinks, P is the mean over the pixels of each cell, the paper's
    pooling where the sizes divide; along one that grows it is bilinear.

    Args:
        teacher: logits (N, K, H, W) of any floating dtype.
        student: logits of the same shape.
        size: height and width (h, w) of the feature.
        source: what is compared.
        ignored: booleans (N, 1, H, W), true where a pixel's difference is to be 0; the
            mean of a cell is over all its pixels even so.
        unit_mean: divide each image's map by its mean, so that a loss that is weighted
            by it keeps its size. A map of zeros stays one.
        valid: booleans (N, H', W') or (N, 1, H', W'), false for padding; None where
            nothing is padded. Unlike ignored pixels, padding is not there at all: P and
            the mean of a map are over valid pixels alone, and the weights of positions
            that are not valid are 0.

    Returns:
        Weights (N, 1, h, w), never negative, in float32 at least. Nothing is detached.

    Raises:
        ValueError: the source is unknown, the shapes differ or are not
            four-dimensional, there is one class, whose probability is constant, or
            ``valid`` is no boolean tensor of these images.

    Example:
        >>> import torch
        >>> teacher = torch.zeros(1, 2, 4, 4)
        >>> student = teacher.clone()
        >>> student[:, 0, :2, :2] = 100.0
        >>> difference_attention(teacher, student, (2, 2))[0, 0].tolist()
        [[4.0, 0.0], [0.0, 0.0]]
    """
    check_choice("source", source, get_args(Source))
    if teacher.ndim != 4 or teacher.shape != student.shape:
        raise ValueError(
            "expected teacher and student logits of one shape (N, K, H, W), got "
            f"{tuple(teacher.shape)} and {tuple(student.shape)}"
        )
    if source != "logit" and teacher.shape[1] < 2:
        raise ValueError(
            f"expected at least 2 classes for source={source!r}, got 1: take 'logit'"
        )
    area = valid_area(valid, len(teacher), teacher.shape[-2:])
    p, q = (_compared(valid_only(z, area), source) for z in (teacher, student))
    difference = (p - q).abs().sum(1, keepdim=True)
    if ignored is not None:
        difference = difference.masked_fill(ignored, 0)
    attention = _on_grid(difference, size)
    positions = valid_area(valid, len(teacher), size)
    if area is not None:
        share = _on_grid(area.to(attention.dtype), size)
        attention = valid_only(attention / share.clamp_min(_SMALLEST), positions)
    if unit_mean:
        attention = attention / (_image_means(attention, positions) + _SMALLEST)
    return attention


def _compared(logits: Tensor, source: Source) -> Tensor:
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if source == "prob":
        return logits.softmax(1)
    if source == "logit_centered":
        return logits - logits.mean(1, keepdim=True)
    return logits


def _image_means(x: Tensor, area: Tensor | None) -> Tensor:
    """Return the mean of each image over an area outside of which it is 0."""
    if area is None:
        return x.mean((2, 3), keepdim=True)
    count = area.sum((2, 3), keepdim=True).clamp_min(1)
    return x.sum((2, 3), keepdim=True) / count


def _on_grid(x: Tensor, size: tuple[int, int]) -> Tensor:
    smaller = tuple(min(pair) for pair in zip(x.shape[-2:], size, strict=True))
    return F.interpolate(
        adaptive_mean(x, smaller), size, mode="bilinear", align_corners=False
    )
