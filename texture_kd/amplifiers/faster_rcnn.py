"""A frozen head of regions that judges a student's features: amplifiers of DS2D2."""

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from texture_kd.amplifiers.head import HeadAmplifier
from texture_kd.functional.divergence import pixel_kl
from texture_kd.functional.likeliest_deltas import likeliest_delta_distance
from texture_kd.functional.wavelet import HighFrequency


class FasterRCNNAmplifier(HeadAmplifier):
    r"""Compare what a frozen head of regions detects in both networks' features.

    .. math::

        \frac{\omega}{R} \sum_r T^2 \, KL(p^T_r \| p^S_r) + L_1

    over the R regions that the student's own RPN proposed and its training sampled,
    with p the class probabilities at the temperature T and :math:`L_1` the
    :func:`~texture_kd.functional.likeliest_delta_distance`.

    With ``mode=None`` it is the full-frequency amplifier of
    :class:`~texture_kd.losses.DS2D2Loss`: the teacher's own head. Otherwise it is the
    high-frequency one: a copy of that head with the weights of ``checkpoint``, the
    outcome of a training of ``HighFrequencyFasterRCNN``.

    Args:
        mode: None for the features, or the mode of the high-frequency maps.
        checkpoint: path or URL of the checkpoint of the amplifier's own training; None
            takes the teacher's head as it is.
        temperature: T, positive.
        kd_weight: :math:`\omega`, the divergence's weight beside that of the boxes.

    Raises:
        ValueError: an option is unknown or out of its range, or there is a checkpoint
            and no mode.
    """

    def __init__(
        self,
        mode: HighFrequency | None = None,
        checkpoint: str | None = None,
        temperature: float = 3.0,
        kd_weight: float = 0.5,
    ) -> None:
        super().__init__(mode, checkpoint)
        if not temperature > 0:
            raise ValueError(f"expected a positive temperature, got {temperature}")
        self.temperature = temperature
        self.kd_weight = kd_weight

    def attach_teacher(self, teacher: nn.Module) -> None:
        """Take the teacher's head, or copy it and load the amplifier's weights.

        Args:
            teacher: a detector of two stages of MMDetection, with its weights.

        Raises:
            FileNotFoundError: there is no such checkpoint.
            RuntimeError: the checkpoint is truncated or corrupt.
            ValueError: the teacher has no head of regions, or a cascade of them; or the
                checkpoint does not fit.
        """
        head = getattr(teacher, "roi_head", None)
        extractor = getattr(head, "bbox_roi_extractor", None)
        if extractor is None or isinstance(extractor, nn.ModuleList):
            raise ValueError(
                "FasterRCNNAmplifier needs a teacher with one head of regions under "
                f"roi_head, such as FasterRCNN, and {type(teacher).__name__} has "
                f"{'none' if head is None else type(head).__name__}"
            )
        levels = range(extractor.num_inputs)
        channels = [extractor.out_channels] * len(levels)
        self.take_head(teacher, "roi_head", levels, channels)

    def forward(
        self,
        student: tuple[Tensor | None, ...],
        teacher: tuple[Tensor | None, ...],
        samples: Sequence[BaseDataElement],
        rois: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Compare what the head makes of both.

        Args:
            student: levels (N, C, H, W) of the student, None for those not read.
            teacher: those of the teacher.
            samples: N data samples, which have no say.
            rois: the sampled regions (R, 5): image, x0, y0, x1, y1, in pixels.
            valid: has no say: MMDetection clips regions to the image, and features are
                0 in the padding already.

        Returns:
            A scalar, in float32 at least; 0 without regions.

        Raises:
            ValueError: there are no regions, or of another shape, or the head reads
                other levels.
        """
        if rois is None or rois.ndim != 2 or rois.shape[1] != 5:
            found = "none" if rois is None else f"shape {tuple(rois.shape)}"
            raise ValueError(
                f"FasterRCNNAmplifier needs regions (R, 5) and got {found}: map rois "
                "to the student's recorder dict(type='ModuleInputs', "
                "source='roi_head.bbox_roi_extractor') with data_idx=1"
            )
        rois = rois.detach()
        with torch.no_grad():
            target_scores, target_deltas = self._predicted(teacher, rois)
        scores, deltas = self._predicted(student, rois)
        divergence = pixel_kl(
            target_scores[..., None, None], scores[..., None, None], self.temperature
        )
        apart = likeliest_delta_distance(deltas, target_deltas, target_scores)
        return self.kd_weight * divergence.sum() / max(len(rois), 1) + apart

    def _predicted(
        self, features: Sequence[Tensor | None], rois: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return logits (R, K + 1) and deltas (R, 4K) of the regions."""
        x = self.head.bbox_roi_extractor(self.seen(features), rois)
        if self.head.with_shared_head:
            x = self.head.shared_head(x)
        return self.head.bbox_head(x)
