"""Alignment of a student's channels with a teacher's, level by level."""

from collections.abc import Sequence

from torch import Tensor, nn

_SHARED = "shared"


class LevelAdapters(nn.Module):
    """A 1x1 convolution without bias for each of some levels, or one for all.

    Args:
        student_channels: channels of all levels of the student.
        teacher_channels: channels of all levels of the teacher.
        levels: the levels that are aligned; there may be none.
        shared: whether all have the same convolution.

    Raises:
        ValueError: they are to share one, and have different channels.
    """

    def __init__(
        self,
        student_channels: Sequence[int],
        teacher_channels: Sequence[int],
        levels: Sequence[int],
        shared: bool = False,
    ) -> None:
        super().__init__()
        pairs = {
            str(level): (student_channels[level], teacher_channels[level])
            for level in levels
        }
        if shared and len({*pairs.values()}) > 1:
            raise ValueError(
                "shared_adapter needs one number of channels in all levels, got "
                f"{tuple(student_channels)} and {tuple(teacher_channels)}"
            )
        if shared and pairs:
            pairs = {_SHARED: next(iter(pairs.values()))}
        self.levels = tuple(levels)
        self.convolutions = nn.ModuleDict(
            {
                name: nn.Conv2d(ours, theirs, 1, bias=False)
                for name, (ours, theirs) in pairs.items()
            }
        )

    def forward(self, level: int, feature: Tensor) -> Tensor:
        """Align a feature.

        Args:
            level: the number of its level, one of ``levels``.
            feature: feature of the student (N, C, H, W), of any floating dtype.

        Returns:
            (N, C', H, W) with the teacher's channels, in the dtype of the weights, or
            of autocast.
        """
        shared = _SHARED in self.convolutions
        convolution = self.convolutions[_SHARED if shared else str(level)]
        return convolution(feature.to(convolution.weight.dtype))
