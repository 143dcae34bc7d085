r"""The same share for each component of a label map, whatever its size: DS2D2."""

import math

import torch
from torch import Tensor


def component_shares(ids: Tensor, size: tuple[int, int], gamma: float = 1.0) -> Tensor:
    r"""Share out a weight of each component among the cells that it covers.

    .. math::

        e_{ij} = \gamma \sum_k \frac{[k \text{ covers } (i, j)]}{|cover_k|},
        \qquad w_{ij} = 1 + e_{ij}

    are the weights of DS2D2. Of w, float32 would lose most digits of a large
    component's share, and so e is returned.

    A component covers a cell if it has a pixel in it, and the cell (i, j) of h x w has
    the rows from :math:`\lfloor iH/h \rfloor` to :math:`\lceil (i+1)H/h \rceil - 1` and
    the columns likewise. Each component adds gamma in all, whatever its size, so that

    .. math:: \sum_{ij} e_{ij} = \gamma \cdot \text{number of components}

    of an image. Components of a few cells are what it emphasises: one of n cells adds
    gamma / n to each.

    Args:
        ids: integers (N, H, W), the number of the component that each pixel is in, in
            each image its own; negative ones are in none.
        size: height h and width w of the grid, smaller than the image or not.
        gamma: what a component adds, not negative.

    Returns:
        e, (N, h, w) in float32, 0 where there is no component.

    Raises:
        ValueError: ``ids`` are no integers (N, H, W), or the grid is empty, or gamma is
            negative.

    Example:
        >>> import torch
        >>> ids = torch.tensor([[[0, 0, 0, 0], [-1, -1, -1, 1]]])
        >>> component_shares(ids, (1, 2)).tolist()
        [[[0.5, 1.5]]]
    """
    check_ids(ids)
    check_grid(size, gamma)
    images, cells = len(ids), size[0] * size[1]
    components = number_components(ids)
    windows = _windows(components, size)
    # Most cells lie in one component: only where it changes there is another.
    changes = torch.ones_like(windows, dtype=torch.bool)
    changes[..., 1:] = windows[..., 1:] != windows[..., :-1]
    cell, position = torch.where((changes & (windows >= 0)).flatten(0, -2))
    component = windows.flatten(0, -2)[cell, position]
    pairs = (component * (images * cells) + cell).unique()
    component, cell = pairs // (images * cells), pairs % (images * cells)
    _, inverse, count = component.unique_consecutive(
        return_inverse=True, return_counts=True
    )
    share = gamma / count.double()
    shares = share.new_zeros(images * cells).index_add_(0, cell, share[inverse])
    return shares.float().reshape(images, *size)


def number_components(ids: Tensor) -> Tensor:
    """Give the components of all images different numbers.

    Args:
        ids: integers (N, H, W), of each image its own; negative for none.

    Returns:
        int64 (N, H, W), -1 for none.
    """
    ids = ids.long()
    first = torch.arange(len(ids), device=ids.device) * (ids.amax() + 1).clamp_min(1)
    return torch.where(ids < 0, -1, ids + first[:, None, None])


def check_ids(ids: Tensor) -> None:
    """Refuse what are no numbers of components.

    Args:
        ids: what should be integers (N, H, W).

    Raises:
        ValueError: they are not, or there are none.
    """
    integers = not (
        ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool
    )
    if ids.ndim != 3 or not integers or ids.numel() == 0:
        raise ValueError(
            "expected the component of each pixel as integers (N, H, W), "
            f"got {ids.dtype} with shape {tuple(ids.shape)}"
        )


def check_grid(size: tuple[int, int], gamma: float) -> None:
    """Refuse a grid without cells, and what cannot be shared out.

    Args:
        size: height and width of the grid.
        gamma: what a component or box adds.

    Raises:
        ValueError: a side is below 1, or gamma is negative, infinite or NaN.
    """
    if min(size) < 1:
        raise ValueError(f"expected a grid of at least 1x1 cells, got {tuple(size)}")
    if not 0 <= gamma < math.inf:
        raise ValueError(f"expected a finite gamma of at least 0, got {gamma}")


def _windows(components: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the components (N, h, w, P) of the pixels of each cell, -1 behind them."""
    height, width = components.shape[-2:]
    rows, row_there = _window(height, size[0], components.device)
    columns, column_there = _window(width, size[1], components.device)
    windows = components[:, rows[:, None, :, None], columns[None, :, None, :]]
    there = row_there[:, None, :, None] & column_there[None, :, None, :]
    return windows.where(there, -1).flatten(-2)


def _window(length: int, cells: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the pixels (cells, P) of each cell, and which of them are its own."""
    index = torch.arange(cells, device=device)
    start = index * length // cells
    end = -(-(index + 1) * length // cells)
    longest = -(-length // cells) + (length % cells > 0)
    pixels = start[:, None] + torch.arange(longest, device=device)
    return pixels.clamp_max(length - 1), pixels < end[:, None]
