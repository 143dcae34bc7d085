"""Texture distillation: correlations of contourlet bands over all stages."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from texture_kd.functional.contourlet import (
    ContourletOptions,
    DirectionalFilter,
    PyramidFilter,
    aligned_distance,
    check_contourlet,
)
from texture_kd.losses.feature_checks import (
    check_channels,
    check_levels,
    on_one_grid,
)


class TextureLoss(nn.Module):
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
        levels: Sequence[int] = (4, 3),
        pyramid: PyramidFilter = "maxflat",
        directional: DirectionalFilter = "dmaxflat7",
        loss_weight: float = 2.0,
    ) -> None:
        super().__init__()
        check_contourlet(levels, pyramid, directional)
        self.student_channels, self.teacher_channels = check_channels(
            student_channels, teacher_channels
        )
        self.options = ContourletOptions(tuple(levels), pyramid, directional)
        self.loss_weight = loss_weight
        self.parts: dict[str, Tensor] = {}
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
            A scalar without unit, in float32 at least; not negative but for rounding.

        Raises:
            ValueError: the features are not what the channels say, the numbers of
                images differ, ``valid`` is no mask, or no grid has two rows and
                columns.
        """
        check_levels("student", student, self.student_channels)
        check_levels("teacher", teacher, self.teacher_channels)
        values = {}
        for stage, align in enumerate(self.align):
            options = _fitting(self.options, tuple(teacher[stage].shape[2:]))
            if options.levels:
                value = _distance(student[stage], teacher[stage], align, options, valid)
                values[f"stage{stage + 1}"] = value
        if not values:
            raise ValueError(
                "expected stages of at least 2x2 positions, got "
                f"{[tuple(x.shape[2:]) for x in teacher]}: give larger crops"
            )
        self.parts = {name: value.detach() for name, value in values.items()}
        return self.loss_weight * torch.stack([*values.values()]).sum()


def _distance(
    student: Tensor,
    teacher: Tensor,
    align: nn.Conv2d,
    options: ContourletOptions,
    valid: Tensor | None,
) -> Tensor:
    with torch.autocast(teacher.device.type, enabled=False):
        dtype = align.weight.dtype
        student, teacher, _ = on_one_grid(student, teacher, valid, dtype)
        mix = align.weight.to(student.dtype).flatten(1)
        return aligned_distance(student, teacher, mix, options)


def _fitting(options: ContourletOptions, grid: tuple[int, int]) -> ContourletOptions:
    """Return the scales and depths that a grid has room for."""
    room = min(grid).bit_length() - 1
    levels = [min(n, room - i) for i, n in enumerate(options.levels)]
    return options._replace(levels=tuple(n for n in levels if n > 0))
