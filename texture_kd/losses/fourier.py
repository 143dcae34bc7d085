"""Fourier loss of LSFD, Eq. 6."""

from typing import Literal, get_args

import torch
from torch import Tensor

from texture_kd.functional.binary_logits import two_class_logits
from texture_kd.functional.choices import check_choice
from texture_kd.functional.fourier_distance import Part, fourier_distance
from texture_kd.functional.valid_area import valid_area, valid_only
from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.losses.feature_checks import check_feature, check_same_images
from texture_kd.losses.logits import ignored_pixels

Source = Literal["prob", "raw"]


class FFTLoss(DistillationLoss):
    r"""Match the spectra of the student's maps to the teacher's.

    .. math::

        L_{FFT} = \| FFT(I^S) - FFT(I^T) \|_1

    (LSFD, Eq. 6), a mean; see :func:`~texture_kd.functional.fourier_distance`.

    Args:
        source: ``prob`` for the class probabilities of logits, of which a single
            channel is a sigmoid's; ``raw`` for what was recorded as it is: logits,
            features or images.
        part: the absolute value of a complex number: ``reim`` or ``abs``.
        ignore_index: label of the pixels that do not count.
        loss_weight: factor of the result.

    Raises:
        ValueError: an option is unknown.
    """

    def __init__(
        self,
        source: Source = "prob",
        part: Part = "reim",
        ignore_index: int = 255,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        check_choice("source", source, get_args(Source))
        check_choice("part", part, get_args(Part))
        self.source: Source = source
        self.of_softmax = source == "prob"
        self.part: Part = part
        self.ignore_index = ignore_index
        self.loss_weight = loss_weight

    def forward(
        self,
        preds_S: Tensor,
        preds_T: Tensor,
        gt: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Args:
            preds_S: map of the student (N, C, H, W), of any floating dtype.
            preds_T: map of the teacher, of the same shape; no gradient flows into it.
            gt: integer labels (N, H', W') or (N, 1, H', W'). An ignored pixel has no
                difference. Without labels all valid pixels count.
            valid: booleans (N, H', W') or (N, 1, H', W') at any resolution, true for
                the pixels of the image and false for padding. What is compared are the
                spectra of the image alone, as
                :func:`~texture_kd.functional.fourier_distance` has them. Without it
                nothing is padded.

        Returns:
            A scalar, in float32 at least, in the unit of what is compared.

        Raises:
            ValueError: the maps differ in shape or are not floating point (N, C, H, W);
                labels are not integers or have another shape; or the valid area is not
                boolean or has another shape.
        """
        check_feature("student", preds_S)
        check_feature("teacher", preds_T)
        if self.source == "prob":
            preds_S, preds_T = two_class_logits(preds_S), two_class_logits(preds_T)
        check_same_images(preds_S, preds_T)
        if preds_S.shape != preds_T.shape:
            raise ValueError(
                "expected maps of one shape, for a resized map has another spectrum, "
                f"got {tuple(preds_S.shape)} and {tuple(preds_T.shape)}: record both "
                "networks where channels and grid are the same"
            )
        student, teacher = preds_S, preds_T.detach()
        area = valid_area(valid, len(preds_T), preds_T.shape[-2:])
        counts = area
        if gt is not None:
            labelled = ~ignored_pixels(gt, preds_T, self.ignore_index)
            counts = labelled if area is None else area & labelled
        # Before the softmax, whatever stood there.
        student, teacher = (
            self._compared(valid_only(z, counts)) for z in (student, teacher)
        )
        distance = fourier_distance(student, teacher, self.part, area)
        return self.loss_weight * distance

    def _compared(self, z: Tensor) -> Tensor:
        z = z.to(torch.promote_types(z.dtype, torch.float32))
        return z.softmax(1) if self.source == "prob" else z
