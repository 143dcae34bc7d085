"""Label maps on the grids of features and logits."""

import torch.nn.functional as F
from torch import Tensor


def labels_on_grid(gt: Tensor, images: int, size: tuple[int, int]) -> Tensor:
    """Bring label maps to another grid: the label nearest to the centre of each cell.

    Args:
        gt: integer labels (N, H, W) or (N, 1, H, W), up to 2^24.
        images: N.
        size: height and width of the grid.

    Returns:
        Labels (N, h, w) with the dtype of ``gt``.

    Raises:
        ValueError: labels are not integers or have another shape.
    """
    if not isinstance(gt, Tensor):
        raise ValueError(
            f"expected labels as a tensor, got {type(gt).__name__}: a recorder of a "
            "module's inputs needs data_idx, 1 for a loss's labels"
        )
    if gt.ndim == 3:
        gt = gt[:, None]
    if gt.ndim != 4 or gt.shape[1] != 1 or len(gt) != images:
        raise ValueError(
            f"expected labels (N, H, W) or (N, 1, H, W) with N = {images}, "
            f"got shape {tuple(gt.shape)}"
        )
    if gt.is_floating_point():
        raise ValueError(f"expected integer labels, got {gt.dtype}")
    # Interpolation knows floating point only; float32 is exact up to label 2^24.
    nearest = F.interpolate(gt.float(), size, mode="nearest-exact")
    return nearest[:, 0].to(gt.dtype)
