"""Adaptive average pooling as two products of matrices."""

import torch
from torch import Tensor


def adaptive_mean(x: Tensor, size: tuple[int | None, int | None]) -> Tensor:
    """Pool as ``torch.nn.functional.adaptive_avg_pool2d`` does, to any size.

    ONNX has pooling over windows of one size only, which adaptive windows are not
    unless the sizes divide. Products of matrices export for images of any size, and
    their derivative is deterministic on a GPU too.

    Args:
        x: maps (..., H, W) of any floating dtype.
        size: height and width, smaller or larger than the maps'. None leaves an axis
            as it is.

    Returns:
        The mean of each window, ``(..., *size)``.

    Example:
        >>> import torch
        >>> adaptive_mean(torch.arange(5.0).expand(1, 2, 5), (1, 2))
        tensor([[[1., 3.]]])
    """
    rows, columns = size
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
