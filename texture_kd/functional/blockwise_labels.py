"""Label maps that say no more than a coarse grid can: block-wise annotation."""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from .band_limit import low_pass
from .choices import check_choice

Blocks = Literal["nearest", "majority", "bandlimit"]

# Masks are 0 or 1, and low-passed in float64.
_EQUAL = 1e-9


def blockwise_labels(
    label: Tensor, limit: int, mode: Blocks = "nearest", ignore_index: int = 255
) -> Tensor:
    """Coarsen label maps to the grid of a band limit (Sec. 3.3, spectral analysis).

    The grid has 2 limit + 1 cells along each axis, or as many as there are pixels if
    those are fewer, and its outermost samples lie on the outermost pixels. Each pixel
    belongs to the nearest sample.

    - ``nearest``: each cell has the label of its sample.
    - ``majority``: each cell has the most frequent of its labels; of equally frequent
      ones the lowest. Ignored pixels do not vote.
    - ``bandlimit``: no cells: each pixel has the class whose low-passed mask is largest
      there, ignored pixels being a class of their own; of equally large ones the
      lowest.

    A limit of half the size leaves the map as it is, and so does coarsening one twice
    with ``nearest`` or ``majority`` leave it as it was after the first time.

    Args:
        label: integer classes (N, H, W), or (H, W).
        limit: highest frequency, in periods an image.
        mode: how.
        ignore_index: label of pixels that do not count.

    Returns:
        Labels of the same shape and dtype.

    Raises:
        ValueError: the mode is unknown, the limit is negative, or the labels are not
            integers, negative, or of another shape.

    Example:
        >>> import torch
        >>> blockwise_labels(torch.tensor([[0, 1, 0, 0, 1]]), limit=1).tolist()
        [[0, 0, 0, 1, 1]]
    """
    check_blocks(limit, mode)
    if label.is_floating_point() or label.ndim not in (2, 3):
        raise ValueError(
            f"expected integer labels (N, H, W), got {tuple(label.shape)} of "
            f"{label.dtype}"
        )
    if (label[label != ignore_index] < 0).any():
        raise ValueError(f"labels below 0 are not classes, got {int(label.min())}")
    if label.ndim == 2:
        return blockwise_labels(label[None], limit, mode, ignore_index)[0]
    if label.numel() == 0:
        return label
    if mode == "bandlimit":
        return _bandlimit(label, limit, ignore_index)
    cells = [_cells(n, limit).to(label.device) for n in label.shape[-2:]]
    if mode == "majority":
        return _majority(label, *cells, ignore_index)
    samples = [_samples(n, limit).to(label.device) for n in label.shape[-2:]]
    rows, columns = (s[c] for s, c in zip(samples, cells, strict=True))
    return label[:, rows[:, None], columns]


def check_blocks(limit: int, mode: Blocks) -> None:
    """Check the options of :func:`blockwise_labels`.

    Args:
        limit: its band limit.
        mode: its mode.

    Raises:
        ValueError: the limit is negative or the mode is unknown.
    """
    check_choice("mode", mode, get_args(Blocks))
    if limit < 0:
        raise ValueError(f"expected a limit of at least 0, got {limit}")


def _count(n: int, limit: int) -> int:
    return min(2 * limit + 1, n)


def _samples(n: int, limit: int) -> Tensor:
    """Return the pixel of each sample of the grid."""
    count = _count(n, limit)
    if count == 1:
        return torch.tensor([(n - 1) // 2])
    return _rounded_ratio(torch.arange(count) * (n - 1), count - 1)


def _cells(n: int, limit: int) -> Tensor:
    """Return the nearest sample of each pixel."""
    count = _count(n, limit)
    if count == 1:
        return torch.zeros(n, dtype=torch.long)
    return _rounded_ratio(torch.arange(n) * (count - 1), n - 1)


def _rounded_ratio(numerators: Tensor, denominator: int) -> Tensor:
    return (2 * numerators + denominator) // (2 * denominator)


def _majority(
    label: Tensor, rows: Tensor, columns: Tensor, ignore_index: int
) -> Tensor:
    valid = label != ignore_index
    classes = int(label[valid].max()) + 1 if valid.any() else 1
    height, width = int(rows[-1]) + 1, int(columns[-1]) + 1
    images = torch.arange(len(label), device=label.device)[:, None, None]
    cell = (images * height + rows[:, None]) * width + columns
    votes = torch.bincount(
        (cell * classes + label)[valid],
        minlength=len(label) * height * width * classes,
    ).unflatten(0, (len(label), height, width, classes))
    winner = votes.argmax(-1).masked_fill(votes.sum(-1) == 0, ignore_index)
    return winner.to(label.dtype)[:, rows[:, None], columns]


def _bandlimit(label: Tensor, limit: int, ignore_index: int) -> Tensor:
    classes, index = label.unique(return_inverse=True)
    masks = F.one_hot(index, len(classes)).movedim(-1, 1).double()
    shares = low_pass(masks, limit)
    # Of equal ones rounding would choose, pixel by pixel.
    largest = shares > shares.amax(1, keepdim=True) - _EQUAL
    return classes[largest.byte().argmax(1)]
