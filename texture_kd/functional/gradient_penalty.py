"""Gradient penalty of a Wasserstein critic (Gulrajani et al. 2017)."""

from collections.abc import Callable

import torch
from torch import Tensor


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor
) -> Tensor:
    r"""Penalise slopes of a critic that are not 1.

    .. math::

        E \left[ (\| \nabla_x D(x) \|_2 - 1)^2 \right], \qquad
        x = \epsilon\, x_{real} + (1 - \epsilon)\, x_{fake}

    It keeps the critic of Eq. 9 of SSTKD near the functions of slope 1 at most, between
    which the Wasserstein distance is the largest difference of means. A slope of 0 has
    the penalty 1 and, for want of a direction, no gradient.

    Args:
        critic: D, a twice differentiable function from (N, C, H, W) to N scores, each
            of its own image only: no batch normalisation.
        real: samples (N, C, H, W); no gradient flows into them.
        fake: samples of the same shape; no gradient flows into them.
        mix: epsilon of each pair (N,), from 0 to 1.

    Returns:
        The mean over the pairs, a scalar; it is differentiable by what the critic has
        learnt, and it may be computed where gradients are switched off.

    Raises:
        ValueError: the samples differ in shape, or there is not one epsilon for each.
    """
    if real.shape != fake.shape or mix.shape != real.shape[:1]:
        raise ValueError(
            "expected real and fake samples of one shape (N, C, H, W) and mix (N,), "
            f"got {tuple(real.shape)}, {tuple(fake.shape)} and {tuple(mix.shape)}"
        )
    weight = mix.to(real.dtype).reshape(-1, *[1] * (real.ndim - 1))
    with torch.enable_grad():
        x = torch.lerp(fake.detach(), real.detach(), weight).requires_grad_()
        (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        # Unlike the square root of a sum, this norm has a derivative at zero: zero.
        return (torch.linalg.vector_norm(slope.flatten(1), dim=1) - 1).square().mean()
