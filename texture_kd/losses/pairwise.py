"""Pair-wise distillation of SKD (Liu et al. 2019), a rival of SSTKD."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from texture_kd.functional.affinity import pairwise_affinity
from texture_kd.functional.standardise import standardise as standardised
from texture_kd.functional.valid_area import shared_area, valid_only, valid_resize
from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.losses.feature_checks import check_feature, check_same_images


class PairwiseKDLoss(DistillationLoss):
    r"""Match the affinities of all pairs of positions.

    .. math::

        L_{pa} = \frac{1}{N P^2} \sum_{n, i, j} (a_{nij}^S - a_{nij}^T)^2

    with the cosines a of :func:`~texture_kd.functional.pairwise_affinity`. Affinities
    have no channels, so that those of teacher and student need not agree.

    Args:
        patch: side of the patches whose mean features are compared.
        loss_weight: factor of the result.

    Raises:
        ValueError: ``patch`` is below 1.
    """

    def __init__(self, patch: int = 2, loss_weight: float = 1.0) -> None:
        super().__init__()
        if patch < 1:
            raise ValueError(f"expected patch of at least 1 position, got {patch}")
        self.patch = patch
        self.loss_weight = loss_weight

    def forward(
        self, s_feature: Tensor, t_feature: Tensor, valid: Tensor | None = None
    ) -> Tensor:
        """Compute the loss.

        Args:
            s_feature: feature of the student (N, C, H, W), of any floating dtype. It
                is brought to the teacher's grid bilinearly.
            t_feature: feature of the teacher (N, C', H', W'); no gradient flows into
                it.
            valid: booleans (N, H'', W'') or (N, 1, H'', W''), false for padding; None
                where nothing is padded. Patches are means over the positions that are
                valid in both, and those without any are in no pair.

        Returns:
            A scalar from 0 to 4 times the weight, in float32 at least; 0 where nothing
            is valid.

        Raises:
            ValueError: a feature is not a floating point (N, C, H, W), the numbers of
                images differ, or ``valid`` is no boolean tensor of these images.
        """
        return self.loss_weight * affinity_distance(
            F.mse_loss, s_feature, t_feature, self.patch, valid
        )


def affinity_distance(
    distance: Callable[..., Tensor],
    s_feature: Tensor,
    t_feature: Tensor,
    patch: int,
    valid: Tensor | None = None,
    standardise: bool = False,
) -> Tensor:
    """Compare the affinities of both networks' features on the teacher's grid.

    Args:
        distance: ``l1_loss`` or ``mse_loss`` of :mod:`torch.nn.functional`.
        s_feature: feature of the student (N, C, H, W), of any floating dtype. It is
            brought to the teacher's grid bilinearly.
        t_feature: feature of the teacher (N, C', H', W'), detached here.
        patch: side of the patches whose mean features are compared.
        valid: booleans (N, H'', W'') or (N, 1, H'', W''), false for padding, or None.
        standardise: apply :func:`~texture_kd.functional.standardise` to both first.

    Returns:
        The mean over the pairs of patches that have valid positions, a scalar.

    Raises:
        ValueError: a feature is not a floating point (N, C, H, W), the numbers of
            images differ, or ``valid`` is no boolean tensor of these images.
    """
    check_feature("student", s_feature)
    check_feature("teacher", t_feature)
    check_same_images(s_feature, t_feature)
    grid = t_feature.shape[-2:]
    area = shared_area(valid, len(t_feature), s_feature.shape[-2:], grid)
    features = (
        valid_only(valid_resize(x, grid, valid), area)
        for x in (s_feature, t_feature.detach())
    )
    if standardise:
        features = (standardised(x, area) for x in features)
    # The length of a patch's mean does not matter: zeros beside valid positions are as
    # if they were not there, and a patch of zeros alone has the affinity 0.
    student, teacher = (pairwise_affinity(x, patch) for x in features)
    if area is None:
        return distance(student, teacher)
    patches = F.max_pool2d(area.float(), patch, ceil_mode=True).sum((1, 2, 3))
    pairs = patches.square().sum().clamp_min(1)
    return distance(student, teacher, reduction="sum") / pairs
