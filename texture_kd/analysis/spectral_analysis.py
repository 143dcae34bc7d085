"""Cross-entropy and IoU of a data set by frequency, put together from its images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from texture_kd.functional import (
    magnitude_profile,
    relative_discrepancy,
    spectral_iou,
    truncated_cross_entropy,
)
from texture_kd.functional.spectral_cross_entropy import cross_entropy_fields


# No tuple: MMEngine makes plain ones of those when it gathers them.
@dataclass(frozen=True)
class ImageSpectra:
    """One image's share, in float64 on the CPU.

    Attributes:
        size: (H, W) of the image.
        num_classes: C.
        valid: pixels that are not ignored.
        cross_entropy: (K), its sum over pixels up to each band limit.
        label: (K), magnitudes of the label's spectrum.
        prediction: (K), magnitudes of the prediction's.
        classes: (P), those that label or decision have.
        intersection: (P, K), pixels of these classes in common up to each limit.
        total: (P), pixels of label and decision together.
    """

    size: tuple[int, int]
    num_classes: int
    valid: int
    cross_entropy: Tensor
    label: Tensor
    prediction: Tensor
    classes: Tensor
    intersection: Tensor
    total: Tensor


class SpectralAnalysis(NamedTuple):
    """A data set's curves; entry k has the frequencies up to k periods an image.

    Attributes:
        size: (H, W) of the images.
        images: their number.
        cross_entropy: (K), truncated, a mean over valid pixels, in nats (Eq. 13).
        label: (K), magnitudes of the labels' spectra in shell k, the largest being 1.
        prediction: (K), those of the cross-entropies that each class would have.
        iou: (C, K), from 0 to 1, NaN for a class that is nowhere; the last is the
            IoU of the decisions (Eq. 8).
    """

    size: tuple[int, int]
    images: int
    cross_entropy: Tensor
    label: Tensor
    prediction: Tensor
    iou: Tensor

    def discrepancy(self) -> Tensor:
        """Return R (K), the share of the cross-entropy that is missed (Eq. 14)."""
        return relative_discrepancy(self.cross_entropy)

    def components(self) -> Tensor:
        """Return the cross-entropy (K) of each shell alone (Eq. 5)."""
        zero = self.cross_entropy.new_zeros(1)
        return self.cross_entropy.diff(prepend=zero)

    def mean_iou(self) -> Tensor:
        """Return the mean IoU (K) of the classes that are there."""
        return self.iou.nanmean(0)

    def efficient_limit(self, tolerance: float) -> int:
        """Return the smallest band limit from which on R stays below a tolerance.

        R is not monotone: one that is low by chance and high again does not count. A
        grid of 2 limit + 1 samples along each axis can hold it.

        Raises:
            ValueError: the tolerance is not positive, or R is not a number.
        """
        discrepancy = self.discrepancy()
        if not tolerance > 0:
            raise ValueError(f"expected a tolerance above 0, got {tolerance}")
        if discrepancy.isnan().any():
            raise ValueError("the cross-entropy is 0 or NaN, and so there is no R")
        above = (discrepancy > tolerance).nonzero()
        return int(above.max()) + 1 if len(above) else 0


def image_spectra(
    logits: Tensor, decision: Tensor, label: Tensor, ignore_index: int
) -> ImageSpectra:
    """Decompose one image.

    Args:
        logits: (C, H, W).
        decision: integer classes (H, W) that the network decided on.
        label: integer classes (H, W).
        ignore_index: label of the pixels that do not count.

    Returns:
        Its share of the data set's sums.

    Raises:
        ValueError: the shapes do not fit, there is one channel, or a label is neither a
            class nor ignored.
    """
    if logits.ndim != 3 or len(logits) < 2:
        raise ValueError(
            "the cross-entropy by frequency is that of a softmax over at least 2 "
            f"classes, got logits of shape {tuple(logits.shape)}"
        )
    logits, label = logits[None], label[None]
    target, prediction = cross_entropy_fields(logits, label, ignore_index)
    chosen = torch.zeros_like(logits).scatter_(1, decision[None, None], 1.0)
    overlap = spectral_iou(chosen, label, ignore_index)
    (classes,) = overlap.size[0].nonzero(as_tuple=True)
    return ImageSpectra(
        size=tuple(label.shape[-2:]),
        num_classes=logits.shape[1],
        valid=int((label != ignore_index).sum()),
        cross_entropy=_kept(truncated_cross_entropy(logits, label, ignore_index)[0]),
        label=_kept(magnitude_profile(target)[0]),
        prediction=_kept(magnitude_profile(prediction)[0]),
        classes=classes.cpu(),
        intersection=_kept(overlap.intersection[0, classes]),
        total=_kept(overlap.size[0, classes]),
    )


def analyse(images: Sequence[ImageSpectra]) -> SpectralAnalysis:
    """Sum images up.

    Args:
        images: at least one, all of one size.

    Returns:
        The data set's curves. Those of R are of sums, not means of the images'.

    Raises:
        ValueError: there is none, nothing is labelled, or the sizes differ, whose
            frequencies don't compare.
    """
    sizes = sorted({image.size for image in images})
    if len(sizes) != 1:
        raise ValueError(
            f"frequencies compare between images of one size, got {sizes[:3]}: give "
            "SpectralAnalysisMetric a crop_size"
        )
    valid = sum(image.valid for image in images)
    if not valid:
        raise ValueError("no pixel of the data set is labelled")
    limits = len(images[0].cross_entropy)
    classes = images[0].num_classes
    intersection = torch.zeros(classes, limits, dtype=torch.float64)
    total = torch.zeros(classes, dtype=torch.float64)
    for image in images:
        intersection[image.classes] += image.intersection
        total[image.classes] += image.total
    label, prediction = (
        sum(profiles) / len(images)
        for profiles in zip(*((x.label, x.prediction) for x in images), strict=True)
    )
    return SpectralAnalysis(
        size=sizes[0],
        images=len(images),
        cross_entropy=sum(image.cross_entropy for image in images) / valid,
        label=label / label.max(),
        prediction=prediction / prediction.max(),
        iou=intersection / (total[:, None] - intersection),
    )


def _kept(x: Tensor) -> Tensor:
    return x.detach().cpu().double()
