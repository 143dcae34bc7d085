"""Local-selective feature distillation, LSFD (Park and Kwak 2021), Eq. 2-4."""

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from texture_kd.functional.choices import check_choice
from texture_kd.functional.difference_attention import Source, difference_attention
from texture_kd.functional.standardise import standardise
from texture_kd.functional.valid_area import (
    shared_area,
    valid_area,
    valid_mean,
    valid_only,
    valid_resize,
)
from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.losses.feature_checks import check_feature, check_same_images
from texture_kd.losses.logits import aligned_logits, ignored_pixels
from texture_kd.losses.regressor import Regressor

Attention = Literal[Source, "none"]
Normalise = Literal["rms", "norm", "channel", "none"]
Reduction = Literal["mean", "sum"]

# A feature of a smaller rms counts as empty, and what is left of it is not blown up.
_WEAKEST = 1e-4


class LSFDLoss(DistillationLoss):
    r"""Match features, most where the predictions differ most.

    .. math::

        L_{LSFD} = \alpha \| A \otimes D \|_1, \qquad
        D = \left| \frac{F^T}{\sigma(F^T)} - \frac{R(F^S)}{\sigma(R(F^S))} \right|

    (LSFD, Eq. 4) with the divisor sigma that ``normalise`` names and the attention A of
    :func:`~texture_kd.functional.difference_attention`, a constant to the gradient: the
    student is to come near to the teacher's feature, and not to lower the loss by its
    logits, which have losses of their own. The regressor R is three 3x3 convolutions,
    where channels are given, or a connector of MMRazor,
    :class:`~texture_kd.connectors.LFDConnector`. Without attention this is LFD (Eq. 2),
    and neither logits nor labels make a difference.

    How the paper normalises is not in the text that we have. Its authors' earlier
    factor transfer divides by the norm of all channels and positions, and with that the
    paper's weights are of the size of its other terms; but a mean over positions then
    falls with the square root of their number. ``rms`` is the same division but for
    that root, and one weight serves all resolutions: 5 is 2000 with norms for 64
    channels of 48x48. ``channel`` standardises instead of dividing, so that channels
    which are loud or far from 0 do not drown the rest.

    Args:
        attention: what the attention compares, or ``none``.
        unit_mean: give each image's attention the mean 1; the paper does not.
        normalise: divisor of each image's feature: its ``rms`` over channels and
            positions, its ``norm``, or ``none``; or ``channel``, which brings each
            channel to mean 0 and variance 1 over images and positions, by
            :func:`~texture_kd.functional.standardise`.
        reduction: ``mean`` over images, channels and positions, or the paper's ``sum``
            over channels and positions and mean over images.
        ignore_index: label of the pixels that the attention leaves out.
        align_corners: how the student's logits are brought to the teacher's grid.
        loss_weight: alpha. The default is for ``rms`` and ``mean``; with ``channel``
            the loss has the same scale.
        student_channels: channels of the student's feature, for a regressor in the
            loss. By default the feature comes regressed, or with the teacher's
            channels.
        teacher_channels: channels of the teacher's; given with those of the student.

    Raises:
        ValueError: an option is unknown, or one network's channels are given alone.
    """

    def __init__(
        self,
        attention: Attention = "prob",
        unit_mean: bool = True,
        normalise: Normalise = "rms",
        reduction: Reduction = "mean",
        ignore_index: int = 255,
        align_corners: bool = False,
        loss_weight: float = 5.0,
        student_channels: int | None = None,
        teacher_channels: int | None = None,
    ) -> None:
        super().__init__()
        check_choice("attention", attention, get_args(Attention))
        check_choice("normalise", normalise, get_args(Normalise))
        check_choice("reduction", reduction, get_args(Reduction))
        self.source: Source | None = None if attention == "none" else attention
        self.of_softmax = attention not in ("logit", "none")
        self.unit_mean = unit_mean
        self.normalise: Normalise = normalise
        self.reduction: Reduction = reduction
        self.ignore_index = ignore_index
        self.align_corners = align_corners
        self.loss_weight = loss_weight
        self.regressor: Regressor | None = None
        if (student_channels, teacher_channels) != (None, None):
            self.regressor = Regressor(student_channels, teacher_channels)

    def forward(
        self,
        s_feature: Tensor,
        t_feature: Tensor,
        preds_S: Tensor | None = None,
        preds_T: Tensor | None = None,
        gt: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Args:
            s_feature: feature of the student (N, C, H, W), of any floating dtype, with
                the teacher's channels or those that the regressor takes. It is brought
                to the teacher's grid bilinearly.
            t_feature: feature of the teacher (N, C, H', W'); no gradient flows into it.
            preds_S: logits of the student (N, K, h, w), for the attention. A single
                channel is a sigmoid's, but for ``attention='logit'``.
            preds_T: logits of the teacher (N, K, h', w').
            gt: integer labels (N, H'', W'') or (N, 1, H'', W''); without them all
                pixels have a say in the attention.
            valid: booleans (N, Y, X) or (N, 1, Y, X) at any resolution, false for
                padding; None where nothing is padded. Divisors, attention and loss are
                over the positions alone that are valid in all that is given, and what
                stands elsewhere changes neither the loss nor its gradient.

        Returns:
            A scalar, in float32 at least. With attention it is 0 where teacher and
            student predict the same, and where all pixels are ignored. It is 0 where
            nothing is valid.

        Raises:
            ValueError: features or logits have another number of dimensions, or differ
                in their channels, classes or images; logits are missing; labels are
                not integers or have another shape; or ``valid`` is no boolean tensor of
                these images.
        """
        check_feature("student", s_feature)
        if self.regressor is not None:
            s_feature = self._regressed(s_feature, valid)
        self._check(s_feature, t_feature, preds_S, preds_T)
        grid = tuple(t_feature.shape[-2:])
        area = self._area(s_feature, t_feature, preds_S, preds_T, valid)
        student, teacher = (
            self._normalised(valid_only(valid_resize(x, grid, valid), area), area)
            for x in (s_feature, t_feature.detach())
        )
        distance = (student - teacher).abs()
        if self.source is not None:
            distance = distance * self._attention(
                preds_S, preds_T, gt, grid, valid, area
            )
        if self.reduction == "sum":
            return self.loss_weight * distance.sum() / len(distance)
        return self.loss_weight * valid_mean(distance, area)

    def _regressed(self, feature: Tensor, valid: Tensor | None) -> Tensor:
        channels = self.regressor.layers[0].in_channels
        if feature.shape[1] != channels:
            raise ValueError(
                f"expected {channels} channels from the student, got "
                f"{feature.shape[1]}: set student_channels"
            )
        area = valid_area(valid, len(feature), feature.shape[-2:])
        return self.regressor(feature, area)

    def _check(
        self,
        s_feature: Tensor,
        t_feature: Tensor,
        preds_S: Tensor | None,
        preds_T: Tensor | None,
    ) -> None:
        check_feature("teacher", t_feature)
        check_same_images(s_feature, t_feature)
        if s_feature.shape[1] != t_feature.shape[1]:
            raise ValueError(
                "expected as many channels from the student's regressor as from the "
                f"teacher, got {s_feature.shape[1]} and {t_feature.shape[1]}: give "
                f"s_feature an LFDConnector with out_channel={t_feature.shape[1]}, or "
                "the loss student_channels and teacher_channels"
            )
        if self.source is not None and (preds_S is None or preds_T is None):
            raise ValueError(
                "the attention needs the logits of both: map preds_S and preds_T to a "
                "recorder dict(type='ModuleOutputs', source='decode_head.conv_seg'), "
                "or take attention='none'"
            )

    def _area(
        self,
        s_feature: Tensor,
        t_feature: Tensor,
        preds_S: Tensor | None,
        preds_T: Tensor | None,
        valid: Tensor | None,
    ) -> Tensor | None:
        """Return where all that is compared shows the image, on the teacher's grid."""
        images, grid = len(t_feature), tuple(t_feature.shape[-2:])
        area = shared_area(valid, images, s_feature.shape[-2:], grid)
        if area is None or self.source is None:
            return area
        grids = preds_S.shape[-2:], preds_T.shape[-2:]
        of_logits = shared_area(valid, images, *grids, self.align_corners)
        return area & valid_area(of_logits, images, grid)

    def _normalised(self, x: Tensor, area: Tensor | None) -> Tensor:
        """Bring features, 0 outside the area, to a scale of their own."""
        if self.normalise == "none":
            return x
        if self.normalise == "channel":
            return standardise(x, area)
        norm = torch.linalg.vector_norm(x, dim=(1, 2, 3), keepdim=True)
        root = _root_of_count(x, area)
        unit = x / norm.clamp_min(_WEAKEST * root)
        return unit * root if self.normalise == "rms" else unit

    @torch.no_grad()
    def _attention(
        self,
        preds_S: Tensor,
        preds_T: Tensor,
        gt: Tensor | None,
        grid: tuple[int, int],
        valid: Tensor | None,
        area: Tensor | None,
    ) -> Tensor:
        # Of one class, colour or depth only the value itself tells something.
        classes = self.source != "logit"
        preds_S, preds_T = aligned_logits(
            preds_S, preds_T, self.align_corners, valid, classes
        )
        ignored = None
        if gt is not None:
            ignored = ignored_pixels(gt, preds_T, self.ignore_index)
        return difference_attention(
            preds_T, preds_S, grid, self.source, ignored, self.unit_mean, area
        )


def _root_of_count(x: Tensor, area: Tensor | None) -> float | Tensor:
    """Return the ratio of an image's norm to its rms."""
    if area is None:
        return math.sqrt(x[0].numel())
    count = x.shape[1] * area.sum((1, 2, 3), keepdim=True)
    return count.clamp_min(1).to(x.dtype).sqrt()
