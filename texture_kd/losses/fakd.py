"""Feature affinity distillation, FAKD (He et al. 2020), a rival of LSFD."""

from itertools import count

import torch.nn.functional as F
from torch import Tensor

from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.losses.feature_checks import check_feature
from texture_kd.losses.pairwise import affinity_distance

# An affinity matrix of so many positions takes 4 MiB an image.
_POSITIONS = 1024


class FAKDLoss(DistillationLoss):
    r"""Match the affinities of all pairs of positions in absolute value.

    .. math::

        L_{FA} = \frac{1}{N P^2} \sum_{n, i, j} |a_{nij}^S - a_{nij}^T|

    with the cosines a of :func:`~texture_kd.functional.pairwise_affinity`. FAKD takes
    each position of a small patch; the 64x128 positions of a street scene would have
    affinities of 256 MiB an image and network, and are pooled first. FAKD adds up the
    losses of three features, each of the weight 10.

    Args:
        pool: side of the patches whose mean features are compared. By default the
            smallest that leaves 1024 patches at most.
        standardise: bring each channel of both features to mean 0 and variance 1 over
            images and valid positions first, by
            :func:`~texture_kd.functional.standardise`, so that loud channels do not
            drown the rest; the paper does not.
        loss_weight: factor of the result.

    Raises:
        ValueError: ``pool`` is below 1.
    """

    def __init__(
        self,
        pool: int | None = None,
        loss_weight: float = 10.0,
        standardise: bool = False,
    ) -> None:
        super().__init__()
        if pool is not None and pool < 1:
            raise ValueError(f"expected pool of at least 1 position, got {pool}")
        self.pool = pool
        self.standardise = standardise
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
            A scalar from 0 to 2 times the weight, in float32 at least; 0 where nothing
            is valid.

        Raises:
            ValueError: a feature is not a floating point (N, C, H, W), the numbers of
                images differ, or ``valid`` is no boolean tensor of these images.
        """
        check_feature("teacher", t_feature)
        pool = self.pool or _enough_pooling(*t_feature.shape[-2:])
        return self.loss_weight * affinity_distance(
            F.l1_loss, s_feature, t_feature, pool, valid, self.standardise
        )


def _enough_pooling(height: int, width: int) -> int:
    """Return the least side of patches of which there are few enough."""
    return next(
        side
        for side in count(1)
        if -(-height // side) * -(-width // side) <= _POSITIONS
    )
