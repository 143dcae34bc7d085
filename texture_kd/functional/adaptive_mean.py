"""Adaptive average pooling, for graphs too."""

import torch
import torch.nn.functional as F
from torch import Tensor

from texture_kd.functional.precision import without_autocast


def adaptive_mean(x: Tensor, size: tuple[int | None, int | None]) -> Tensor:
    """Pool as ``torch.nn.functional.adaptive_avg_pool2d`` does, to any size.

    ONNX has pooling over windows of one size only, which adaptive windows are not
    unless the sizes divide. Products of matrices export for images of any size, and
    their derivative is deterministic on a GPU too. Where the sizes divide, and no graph
    is made, it is plain pooling, whose cost does not grow with the windows.

    Args:
        x: maps (N, C, H, W) of any floating dtype, which is the result's too.
        size: height and width, smaller or larger than the maps'. None leaves an axis
            as it is.

    Returns:
        The mean of each window, (N, C, rows, columns), computed in float32 at least,
        under autocast too.

    Raises:
        ValueError: the shape is another.

    Example:
        >>> import torch
        >>> adaptive_mean(torch.arange(5.0).expand(1, 1, 2, 5), (1, 2))
        tensor([[[[1., 3.]]]])
    """
    if x.ndim != 4:
        raise ValueError(f"expected maps (N, C, H, W), got shape {tuple(x.shape)}")
    height, width = x.shape[2:]
    rows, columns = size
    if not _makes_a_graph():
        whole = (rows or height, columns or width)
        if height % whole[0] == width % whole[1] == 0:
            return F.avg_pool2d(x, (height // whole[0], width // whole[1]))
    pooled = x.to(torch.promote_types(x.dtype, torch.float32))
    with without_autocast(x.device):
        if columns is not None:
            pooled = pooled @ _windows(pooled, width, columns).T
        if rows is not None:
            pooled = _windows(pooled, height, rows) @ pooled
    return pooled.to(x.dtype)


def _makes_a_graph() -> bool:
    return torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()


def _windows(x: Tensor, length: int, count: int) -> Tensor:
    """Return the means over windows as a matrix (count, length)."""
    window = torch.arange(count, device=x.device)[:, None]
    position = torch.arange(length, device=x.device)
    first = window * length // count
    past = ((window + 1) * length + count - 1) // count
    inside = ((position >= first) & (position < past)).to(x.dtype)
    return inside / inside.sum(1, keepdim=True)
