"""A convolution with TensorFlow's padding that exports with any size of its input."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SameConv2d(nn.Module):
    """Do what a convolution with TensorFlow's ``same`` padding does.

    Of H rows and a stride of s it makes ceil(H / s), and pads as much as that takes,
    which depends on H. An exporter that leaves H free would have to carry this formula
    from layer to layer, and it grows until there is no end. Here as much is padded as
    any H takes, and where the rows begin depends on H; there are (H - 1) // s + 1 then,
    as of any other convolution.

    Args:
        conv: mmcv's ``Conv2dAdaptivePadding`` or timm's ``Conv2dSame``, whose weights
            are shared.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias
        self.stride, self.dilation = conv.stride, conv.dilation
        self.groups = conv.groups

    def forward(self, x: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: maps (N, C, H, W).

        Returns:
            (N, channels, ceil(H / stride), ceil(W / stride)).
        """
        for axis in (2, 3):
            reach = self.dilation[axis - 2] * (self.weight.shape[axis] - 1)
            x = _padded(x, axis, reach, self.stride[axis - 2])
        return F.conv2d(
            x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups
        )


def _padded(x: Tensor, axis: int, reach: int, stride: int) -> Tensor:
    """Pad an axis for windows of ``reach`` more than one, by ``reach`` in all."""
    if not reach:
        return x
    length = x.shape[axis]
    # Before the first row, at most and at least.
    most, least = reach // 2, max(reach + 1 - stride, 0) // 2
    sides = (most, reach - least)
    x = F.pad(x, sides if axis == 3 else (0, 0, *sides))
    if most == least:
        return x
    before = torch.sym_max(reach + 1 - stride + -length % stride, 0) // 2
    rows = torch.arange(length + reach, device=x.device) + (most - before)
    return x.index_select(axis, rows)
