"""Statistical texture for a picture: maps, regions on them, and their histograms."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from texture_kd.functional import (
    HistogramOptions,
    SamplerOptions,
    TextureHistogram,
    cosine_self_similarity,
    important_points,
    sample_regions,
    texture_histogram,
)

__all__ = [
    "Equalised",
    "Sampled",
    "equalised",
    "sampled_image",
    "shown_regions",
]

# Sides of an image's anchors as shares of its shorter side: SSTKD's 8, 16 and 32 of
# 128 pixels.
_SCALES = (1 / 16, 1 / 8, 1 / 4)


class Equalised(NamedTuple):
    """The histogram of a region before and after, in one row each.

    Attributes:
        size: height and width of the region.
        before: with uniform levels (SSTKD, Eq. 4).
        after: with the levels that the options choose, counted and denoised.
    """

    size: tuple[int, int]
    before: TextureHistogram
    after: TextureHistogram


class Sampled(NamedTuple):
    """A map, the regions that were chosen on it, and histograms of some.

    Attributes:
        similarity: self-similarity (H, W) of the map.
        boxes: regions (M, 4) of the map, see
            :mod:`texture_kd.functional.regions`, those of high contrast first.
        important: how many of them, the first, were chosen for their contrast; the
            others were drawn at random.
        histograms: by the region's number, from 1 to M, or by 0 for the whole map.
    """

    similarity: Tensor
    boxes: Tensor
    important: int
    histograms: Mapping[int, Equalised]


def equalised(similarity: Tensor, options: HistogramOptions) -> Equalised:
    """Count self-similarities at uniform levels, and as the options say.

    Args:
        similarity: self-similarity (1, H, W) of a region or a map.
        options: how histograms are made.

    Returns:
        Both histograms.
    """
    row = similarity.flatten(1)
    return Equalised(
        tuple(similarity.shape[1:]),
        texture_histogram(row, replace(options, placement="uniform")),
        texture_histogram(row, options),
    )


def shown_regions(important: int, regions: int) -> list[int]:
    """Return the numbers of the regions to show: the first of each kind."""
    return [n for n in sorted({1, important + 1}) if n <= regions]


def sampled_image(picture: NDArray[np.uint8]) -> Sampled:
    """Choose regions of an image by its colours, and count them and the whole.

    Random numbers begin alike at each call.

    Args:
        picture: colours (H, W, 3), in any order.

    Returns:
        Sixteen regions, and the histograms of the image and of one of each kind.

    Raises:
        ValueError: the image has no colours, or shades of one only.
    """
    features = torch.tensor(picture).permute(2, 0, 1)[None].float()
    similarity = cosine_self_similarity(features)
    options = HistogramOptions()
    # Black has no direction, and is as similar to nothing.
    lit = similarity[0, torch.tensor(picture.any(2))]
    if lit.numel() == 0 or lit.max() - lit.min() <= options.range_eps:
        raise ValueError(
            "expected an image of several colours, got shades of one: each pixel is "
            "as similar to the mean as the others. Give a colour image, or look at "
            "what networks make of this one"
        )
    side = min(picture.shape[:2])
    sampler = SamplerOptions(scales=[share * side for share in _SCALES])
    boxes = sample_regions(similarity, torch.Generator().manual_seed(0), sampler)[0]
    important = important_points(len(boxes), sampler.importance)
    numbers = shown_regions(important, len(boxes))
    corners = [boxes[number - 1].tolist() for number in numbers]
    regions = [features[..., y0:y1, x0:x1] for y0, x0, y1, x1 in corners]
    shown = zip([0, *numbers], [features, *regions], strict=True)
    histograms = {
        number: equalised(cosine_self_similarity(x), options) for number, x in shown
    }
    return Sampled(similarity[0], boxes, important, histograms)
