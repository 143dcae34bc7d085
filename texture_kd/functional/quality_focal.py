r"""How far apart two detectors' scores are: quality focal loss with a teacher."""

import torch
import torch.nn.functional as F
from torch import Tensor


def quality_focal_distance(
    student_logits: Tensor, teacher_logits: Tensor, beta: float = 1.0
) -> Tensor:
    r"""Compare scores that are independent of each other, one by one.

    .. math::

        |\sigma(s) - \sigma(t)|^\beta \; BCE(s, \sigma(t)), \qquad
        BCE(s, q) = -q \log \sigma(s) - (1 - q) \log(1 - \sigma(s))

    Quality focal loss (Li et al. 2020) with the teacher's probability as the quality:
    where both agree nothing is left, and the many easy negatives have no say. The
    gradient flows through both factors. The computation is in float32 at least. Nothing
    is detached here.

    Args:
        student_logits: s, of any shape and floating dtype.
        teacher_logits: t, of the same shape.
        beta: the exponent, at least 1: below, the gradient has no bound where both
            agree.

    Returns:
        Distances of the same shape in nats, not negative, in float32 or, for float64
        logits, in float64.

    Raises:
        ValueError: the shapes differ, or beta is below 1.

    Example:
        >>> import torch
        >>> half, certain = torch.tensor([0.0]), torch.tensor([100.0])
        >>> round(quality_focal_distance(half, certain).item(), 4)  # log(2) / 2
        0.3466
    """
    if not beta >= 1:
        raise ValueError(f"expected a beta of at least 1, got {beta}")
    if student_logits.shape != teacher_logits.shape:
        raise ValueError(
            "expected student and teacher logits of one shape, got "
            f"{tuple(student_logits.shape)} and {tuple(teacher_logits.shape)}"
        )
    s, t = (
        z.to(torch.promote_types(z.dtype, torch.float32))
        for z in (student_logits, teacher_logits)
    )
    quality = t.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(s, quality, reduction="none")
    return entropy * (s.sigmoid() - quality).abs().pow(beta)
