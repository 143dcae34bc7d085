"""Affinity of all pairs of positions in a feature map."""

import torch
import torch.nn.functional as F
from torch import Tensor

from texture_kd.functional.precision import without_autocast
from texture_kd.functional.self_similarity import inverse_lengths


def pairwise_affinity(feature: Tensor, patch: int = 1) -> Tensor:
    r"""Compare all positions of a feature map with one another.

    .. math::

        a_{ij} = \frac{f_i^T f_j}{\|f_i\|_2 \|f_j\|_2}

    where f_i is the mean of the features in the i-th patch (Liu et al. 2019, section
    3.1). It takes 4 (HW / patch^2)^2 bytes an image.

    Args:
        feature: features (N, C, H, W) of any floating dtype and unit.
        patch: side of the square patches; those at the bottom and right edge are
            smaller where it does not divide H and W.

    Returns:
        Affinities (N, P, P) of P = ceil(H / patch) ceil(W / patch) patches in row-major
        order, from -1 to 1, in float32 at least. A patch of zeros has the affinity 0
        and no gradient.

    Raises:
        ValueError: the feature is not a floating point (N, C, H, W), or the patch is
            below 1.
    """
    if feature.ndim != 4 or not feature.is_floating_point():
        raise ValueError(
            "expected a floating point feature (N, C, H, W), "
            f"got {feature.dtype} with shape {tuple(feature.shape)}"
        )
    if patch < 1:
        raise ValueError(f"expected patches of at least 1 position, got {patch}")
    feature = feature.to(torch.promote_types(feature.dtype, torch.float32))
    if patch > 1:
        feature = F.avg_pool2d(feature, patch, ceil_mode=True)
    with without_autocast(feature.device):
        nodes = feature.flatten(2)
        nodes = nodes * inverse_lengths(nodes)[:, None]
        return nodes.mT @ nodes
