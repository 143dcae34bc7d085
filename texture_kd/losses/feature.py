"""Plain feature distillation: FitNets' hints, and PKD's standardised ones."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from texture_kd.functional.precision import without_autocast
from texture_kd.functional.standardise import standardise
from texture_kd.functional.valid_area import valid_mean
from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.losses.feature_checks import check_channels, check_levels, on_one_grid


class FeatureKDLoss(DistillationLoss):
    r"""Match the features of a student's stages to the teacher's, position by position.

    .. math::

        L = \sum_{stages} \frac{1}{2 |R| C} \sum_{i \in R} \| n(A s_i) - n(t_i) \|^2

    over the valid positions R of all images, where a 1x1 convolution A aligns the
    student's channels. With ``standardise`` n brings each channel to mean 0 and
    variance 1 over images and positions, and a stage is 1 minus the mean of the
    channels' Pearson correlations: PKD (Cao et al., NeurIPS 2022), which serves
    networks of any scale with one weight. Without it n does nothing: the hints of
    FitNets (Romero et al., ICLR 2015).

    After a call ``parts`` has the value of each stage, before the weight, for the log.

    Args:
        student_channels: channels of all stages of the student.
        teacher_channels: channels of all stages of the teacher.
        standardise: bring each channel to mean 0 and variance 1, by
            :func:`~texture_kd.functional.standardise`.
        loss_weight: factor of the result.

    Raises:
        ValueError: the channels are none, or not as many of both networks.
    """

    def __init__(
        self,
        student_channels: Sequence[int],
        teacher_channels: Sequence[int],
        standardise: bool = True,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.student_channels, self.teacher_channels = check_channels(
            student_channels, teacher_channels
        )
        self.standardise = standardise
        self.loss_weight = loss_weight
        pairs = zip(self.student_channels, self.teacher_channels, strict=True)
        self.align = nn.ModuleList(
            nn.Conv2d(ours, theirs, 1, bias=False) for ours, theirs in pairs
        )

    def forward(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor],
        valid: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Args:
            student: features of all stages (N, C, H, W) of the student, what its
                ``backbone`` returns, of any floating dtype. They are brought to the
                teacher's grids bilinearly.
            teacher: those of the teacher; no gradient flows into them.
            valid: booleans (N, H', W') or (N, 1, H', W'), false for padding; all is
                valid by default.

        Returns:
            A scalar, in float32 at least. With ``standardise`` it has no unit, and each
            stage is from 0 to 2; otherwise it has the square of the features'.

        Raises:
            ValueError: the features are not what the channels say, the numbers of
                images differ, or ``valid`` is no mask.
        """
        check_levels("student", student, self.student_channels)
        check_levels("teacher", teacher, self.teacher_channels)
        values = {
            f"stage{number}": self._distance(align, ours, theirs, valid)
            for number, (align, ours, theirs) in enumerate(
                zip(self.align, student, teacher, strict=True), 1
            )
        }
        self.parts = {name: value.detach() for name, value in values.items()}
        return self.loss_weight * torch.stack([*values.values()]).sum()

    def _distance(
        self, align: nn.Conv2d, student: Tensor, teacher: Tensor, valid: Tensor | None
    ) -> Tensor:
        with without_autocast(teacher.device):
            dtype = align.weight.dtype
            student, teacher, area = on_one_grid(student, teacher, valid, dtype)
            student = F.conv2d(student, align.weight.to(student.dtype))
            if self.standardise:
                student, teacher = (standardise(x, area) for x in (student, teacher))
            return valid_mean((student - teacher).square(), area) / 2
