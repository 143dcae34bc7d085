"""Pair-wise distillation of SKD (Liu et al. 2019), a rival of SSTKD."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from texture_kd.functional.affinity import pairwise_affinity
from texture_kd.losses.feature_checks import check_feature, check_same_images


class PairwiseKDLoss(nn.Module):
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

    def forward(self, s_feature: Tensor, t_feature: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            s_feature: feature of the student (N, C, H, W), of any floating dtype. It
                is brought to the teacher's grid bilinearly.
            t_feature: feature of the teacher (N, C', H', W'); no gradient flows into
                it.

        Returns:
            A scalar from 0 to 4 times the weight, in float32 at least.

        Raises:
            ValueError: a feature is not a floating point (N, C, H, W), or the numbers
                of images differ.
        """
        student, teacher = paired_affinities(s_feature, t_feature, self.patch)
        return self.loss_weight * F.mse_loss(student, teacher)


def paired_affinities(
    s_feature: Tensor, t_feature: Tensor, patch: int
) -> tuple[Tensor, Tensor]:
    """Compute the affinities of both networks' features on the teacher's grid.

    Args:
        s_feature: feature of the student (N, C, H, W), of any floating dtype. It is
            brought to the teacher's grid bilinearly.
        t_feature: feature of the teacher (N, C', H', W'), detached here.
        patch: side of the patches whose mean features are compared.

    Returns:
        The student's and the teacher's, (N, P, P) for P patches.

    Raises:
        ValueError: a feature is not a floating point (N, C, H, W), or the numbers of
            images differ.
    """
    check_feature("student", s_feature)
    check_feature("teacher", t_feature)
    check_same_images(s_feature, t_feature)
    if s_feature.shape[-2:] != t_feature.shape[-2:]:
        s_feature = s_feature.to(torch.promote_types(s_feature.dtype, torch.float32))
        s_feature = F.interpolate(
            s_feature, t_feature.shape[-2:], mode="bilinear", align_corners=False
        )
    return (
        pairwise_affinity(s_feature, patch),
        pairwise_affinity(t_feature.detach(), patch),
    )
