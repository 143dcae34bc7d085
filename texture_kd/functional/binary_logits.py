"""Logits of a single channel, as those of the two classes that it tells apart."""

import math

import torch
from torch import Tensor

# At 0 and 1, where every pixel is of one class; farther than float32's sigmoids reach.
_LEAST, _LARGEST = 1e-30, 1 - 1e-16


def two_class_logits(logits: Tensor, threshold: float = 0.5) -> Tensor:
    r"""Return logits of two classes whose softmax is the sigmoid of a single channel.

    .. math::

        (0, \; z - \log \tfrac{t}{1 - t})

    With the threshold t = 1/2 its softmax is (1 - sigmoid(z), sigmoid(z)), and
    differences between two such distributions are those of Bernoulli distributions. The
    larger is that of class 1 where sigmoid(z) > t: MMSegmentation's decision.

    Args:
        logits: (N, K, H, W) of any floating dtype, K > 1 classes or a sigmoid's single
            channel.
        threshold: t, from 0 to 1.

    Returns:
        (N, 2, H, W) of a single channel, otherwise the logits themselves.

    Raises:
        ValueError: the threshold is no number from 0 to 1.

    Example:
        >>> import torch
        >>> two_class_logits(torch.tensor(2.0).reshape(1, 1, 1, 1)).flatten().tolist()
        [0.0, 2.0]
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"expected a threshold from 0 to 1, got {threshold}")
    if logits.shape[1] != 1:
        return logits
    t = min(max(threshold, _LEAST), _LARGEST)
    shifted = logits - math.log(t / (1 - t)) if t != 0.5 else logits
    return torch.cat([torch.zeros_like(logits), shifted], 1)
