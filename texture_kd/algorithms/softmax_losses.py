"""Losses that take the channels of logits for the classes of a softmax."""

from mmrazor.models.losses import DISTLoss, KLDivergence
from torch import nn

from texture_kd.losses import DistillationLoss

__all__ = ["SOFTMAX_ALONE", "of_softmax"]

# MMRazor's, which do not say so, and read a single channel as they do several.
SOFTMAX_ALONE = (DISTLoss, KLDivergence)


def of_softmax(loss: nn.Module) -> bool:
    """Tell whether a loss compares softmax distributions.

    Ours say so by their attribute ``of_softmax``, and read a single channel as the two
    classes that a sigmoid tells apart.

    Args:
        loss: of a distiller.
    """
    if isinstance(loss, DistillationLoss):
        return loss.of_softmax
    return isinstance(loss, SOFTMAX_ALONE)
