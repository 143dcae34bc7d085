"""Regressor of local feature distillation, LFD (Park and Kwak 2021)."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from texture_kd.functional.valid_area import valid_only

_SLOPE = 0.1


class Regressor(nn.Module):
    """Three 3x3 convolutions that bring a student's channels to the teacher's.

    They are those of :class:`~texture_kd.connectors.LFDConnector` by default, with the
    same initial distribution: leaky activations between them, none behind the last.

    Args:
        student_channels: channels of the student's feature, which the first convolution
            keeps.
        teacher_channels: channels of the teacher's.

    Raises:
        ValueError: they are no positive integers.
    """

    def __init__(self, student_channels: int, teacher_channels: int) -> None:
        super().__init__()
        both = student_channels, teacher_channels
        if not all(type(count) is int and count > 0 for count in both):
            raise ValueError(
                "expected student_channels and teacher_channels as positive integers, "
                f"both or neither, got {student_channels!r} and {teacher_channels!r}"
            )
        widths = [student_channels] * 2 + [teacher_channels] * 2
        slopes = (_SLOPE, _SLOPE, 0.0)
        self.layers = nn.ModuleList(
            _convolution(before, after, slope)
            for (before, after), slope in zip(pairwise(widths), slopes, strict=True)
        )

    def forward(self, feature: Tensor, area: Tensor | None = None) -> Tensor:
        """Align a feature.

        Args:
            feature: feature of the student (N, C, H, W), of any floating dtype.
            area: booleans (N, 1, H, W), true for the positions of the image, or None
                where nothing is padded. Elsewhere is 0, as beyond the edge of a map.

        Returns:
            (N, C', H, W) with the teacher's channels, in the dtype of the weights, or
            of autocast.
        """
        x = feature.to(self.layers[0].weight.dtype)
        for number, layer in enumerate(self.layers):
            if number:
                x = F.leaky_relu(x, _SLOPE)
            x = layer(valid_only(x, area))
        return x


def _convolution(before: int, after: int, slope: float) -> nn.Conv2d:
    """Return one with the variance that keeps that of gradients."""
    layer = nn.Conv2d(before, after, 3, padding=1)
    nn.init.kaiming_normal_(layer.weight, slope, "fan_out")
    nn.init.zeros_(layer.bias)
    return layer
