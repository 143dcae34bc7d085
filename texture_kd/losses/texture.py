"""Texture distillation: correlations of contourlet bands over all stages."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from texture_kd.functional.contourlet import (
    ContourletOptions,
    DirectionalFilter,
    PyramidFilter,
)
from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.losses.feature_checks import check_channels, check_levels
from texture_kd.losses.structural import CDMLoss, Compared


class TextureLoss(DistillationLoss):
    r"""Match the texture of a student's stages to the teacher's.

    .. math::

        L = \sum_{stages} \frac{1}{B C} \sum_{b, c} 2 (1 - \rho_{c,b}(A s, t))

    with the correlations of :func:`~texture_kd.functional.band_correlation` between
    each channel of the teacher's stage and the same of the student's, whose channels a
    1x1 convolution A aligns, in each directional band of the contourlet: ``CDMLoss`` of
    each stage, in one loss with one recorder. Each channel of each band counts the
    same, so that loud ones do not drown the rest and one weight serves all networks. A
    stage's value is from 0 to 4.

    A grid too small for the depths in ``levels`` gets what fits: at scale i a tree of
    depth log2(min(H, W)) - i at most, and no scale where that is below 1. After a call
    ``parts`` has the value of each stage, before the weight, for the log.

    Args:
        student_channels: channels of all stages of the student.
        teacher_channels: channels of all stages of the teacher.
        levels: depth of the directional tree at each scale, finest first.
        pyramid: low-pass filters of the Laplacian pyramid.
        directional: fan filters of the directional filter bank.
        loss_weight: factor of the result.

    Raises:
        ValueError: an option is unknown, or the networks differ in their number of
            stages.
    """

    def __init__(
        self,
        student_channels: Sequence[int],
        teacher_channels: Sequence[int],
        levels: Sequence[int] = (3, 2),
        pyramid: PyramidFilter = "maxflat",
        directional: DirectionalFilter = "dmaxflat7",
        loss_weight: float = 2.0,
    ) -> None:
        super().__init__()
        self.student_channels, self.teacher_channels = check_channels(
            student_channels, teacher_channels
        )
        self.loss_weight = loss_weight
        pairs = zip(self.student_channels, self.teacher_channels, strict=True)
        self.stages = nn.ModuleList(
            CDMLoss(ours, theirs, levels, pyramid, directional)
            for ours, theirs in pairs
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
            A scalar without unit, in float32 at least; not negative but for rounding.

        Raises:
            ValueError: the features are not what the channels say, the numbers of
                images differ, ``valid`` is no mask, or no grid has two rows and
                columns.
        """
        stages = self._on_grids(student, teacher)
        values = {
            name: loss.distance(ours, theirs, valid, options)
            for name, loss, ours, theirs, options in stages
        }
        self.parts = {name: value.detach() for name, value in values.items()}
        # Several processes wait for the gradient of every parameter, be it 0.
        compared = [loss for _, loss, *_ in stages]
        idle = [x.align.weight[:0].sum() for x in self.stages if x not in compared]
        return self.loss_weight * torch.stack([*values.values(), *idle]).sum()

    def compared(
        self, student: Sequence[Tensor], teacher: Sequence[Tensor]
    ) -> dict[str, Compared]:
        """Return the features whose bands the loss compares, of each stage.

        Args:
            student: as :meth:`forward` takes them.
            teacher: likewise.

        Returns:
            By the names of ``parts``.

        Raises:
            ValueError: as :meth:`forward`.
        """
        return {
            name: loss.compared(ours, theirs)._replace(options=options)
            for name, loss, ours, theirs, options in self._on_grids(student, teacher)
        }

    def _on_grids(
        self, student: Sequence[Tensor], teacher: Sequence[Tensor]
    ) -> list[tuple[str, CDMLoss, Tensor, Tensor, ContourletOptions]]:
        """Return the stages with room for a scale, and the depths that fit."""
        check_levels("student", student, self.student_channels)
        check_levels("teacher", teacher, self.teacher_channels)
        stages = []
        for number, loss in enumerate(self.stages):
            theirs = teacher[number]
            options = _fitting(loss.options, tuple(theirs.shape[2:]))
            if options.levels:
                name = f"stage{number + 1}"
                stages.append((name, loss, student[number], theirs, options))
        if not stages:
            raise ValueError(
                "expected stages of at least 2x2 positions, got "
                f"{[tuple(x.shape[2:]) for x in teacher]}: give larger crops"
            )
        return stages


def _fitting(options: ContourletOptions, grid: tuple[int, int]) -> ContourletOptions:
    """Return the scales and depths that a grid has room for."""
    room = min(grid).bit_length() - 1
    levels = [min(n, room - i) for i, n in enumerate(options.levels)]
    return options._replace(levels=tuple(n for n in levels if n > 0))
