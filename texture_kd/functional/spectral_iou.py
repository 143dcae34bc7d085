r"""Intersection over union by frequency: Eq. 6 to 8 of the spectral analysis."""

from typing import NamedTuple

import torch
from torch import Tensor

from .frequencies import Shell, shell_sums
from .spectral_cross_entropy import float_maps, label_field


class SpectralIoU(NamedTuple):
    """Intersections and sizes, to be summed over images before :meth:`iou`.

    Attributes:
        intersection: (..., C, K), for each class what prediction and label have in
            common up to each band limit; the last is the whole intersection.
        size: (..., C), what prediction and label have together, their intersection
            counted twice.
    """

    intersection: Tensor
    size: Tensor

    def iou(self) -> Tensor:
        """Return the IoU (..., C, K), NaN for a class that is nowhere (Eq. 8)."""
        return self.intersection / (self.size[..., None] - self.intersection)


def spectral_iou(
    prediction: Tensor,
    label: Tensor,
    ignore_index: int = 255,
    shell: Shell = "chebyshev",
) -> SpectralIoU:
    r"""Measure the overlap of a segmentation and its label by their spectra.

    .. math::

        \int B S \, dt = \frac{1}{HW} \sum_\nu s(\nu) \overline{b(\nu)}, \qquad
        \int B + S \, dt = s(0) + b(0)

    (Eq. 7), exact for probabilities as well as for decisions. The sum of an
    intersection's frequencies up to a limit is the overlap with the low-passed label.

    Args:
        prediction: S (N, C, H, W), the softmax of logits or one-hot decisions, of any
            floating dtype. Where the label is ignored it does not count.
        label: integer classes (N, H, W) or (N, 1, H, W), or a floating field
            (N, C, H, W) for soft labels, where nothing is ignored.
        ignore_index: integer label of the pixels that do not count.
        shell: as in :func:`~texture_kd.functional.truncated_cross_entropy`.

    Returns:
        Intersections (N, C, K) and sizes (N, C) in pixels, in float32 at least.

    Raises:
        ValueError: shapes do not fit, a label is neither a class nor ignored, or the
            shell is unknown.
    """
    prediction = float_maps("a prediction", prediction)
    target = label_field(label, prediction, ignore_index)
    if not label.is_floating_point():
        # One-hot: the classes sum to 1 where the label is known and to 0 elsewhere.
        prediction = prediction * target.sum(1, keepdim=True)
    s, b = torch.fft.rfft2(prediction), torch.fft.rfft2(target)
    height, width = prediction.shape[-2:]
    overlap = (s * b.conj()).real / (height * width)
    size = (s + b)[..., 0, 0].real
    return SpectralIoU(shell_sums(overlap, width, shell).cumsum(-1), size)
