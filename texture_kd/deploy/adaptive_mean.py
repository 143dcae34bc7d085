"""Adaptive average pooling that exports with any size of its input."""

import torch
from torch import Tensor, nn


class AdaptiveMean(nn.Module):
    """Do what ``nn.AdaptiveAvgPool2d`` does, as two matrix products.

    ONNX has pooling over windows of one size only, which PyTorch's adaptive windows
    are not unless the output's size divides the input's.

    Args:
        output_size: of the pooling layer: a side, or height and width, of which None
            stays as it is.
    """

    def __init__(self, output_size: int | tuple[int | None, ...] | None) -> None:
        super().__init__()
        pair = isinstance(output_size, tuple | list)
        self.output_size = tuple(output_size) if pair else (output_size, output_size)

    def forward(self, x: Tensor) -> Tensor:
        """Pool.

        Args:
            x: maps (..., H, W).

        Returns:
            The mean of each window, ``(..., *output_size)``.
        """
        rows, columns = self.output_size
        if columns is not None:
            x = x @ _windows(x, x.shape[-1], columns).T
        return x if rows is None else _windows(x, x.shape[-2], rows) @ x


def _windows(x: Tensor, length: int, count: int) -> Tensor:
    """Return the means over windows as a matrix (count, length)."""
    window = torch.arange(count, device=x.device)[:, None]
    position = torch.arange(length, device=x.device)
    first = window * length // count
    past = ((window + 1) * length + count - 1) // count
    inside = ((position >= first) & (position < past)).to(x.dtype)
    return inside / inside.sum(1, keepdim=True)
