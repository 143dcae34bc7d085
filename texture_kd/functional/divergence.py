r"""Divergence of two segmentations: at each pixel, Eq. 8 of SSTKD, or of each class."""

import torch
import torch.nn.functional as F
from torch import Tensor


def pixel_kl(
    teacher_logits: Tensor, student_logits: Tensor, temperature: float = 1.0
) -> Tensor:
    r"""Kullback-Leibler divergence of two class distributions at each pixel.

    .. math::

        T^2 \, KL(p \| q) = T^2 \sum_c p_c (\log p_c - \log q_c), \qquad
        p = softmax(z_{teacher} / T), \quad q = softmax(z_{student} / T)

    The factor T^2 keeps the size of the gradient when T grows (Hinton et al. 2015). The
    softmax is computed in float32 at least. Nothing is detached here.

    Args:
        teacher_logits: scores (N, K, H, W) of K classes, of any floating dtype.
        student_logits: scores of the same shape.
        temperature: T, positive.

    Returns:
        Divergences (N, H, W) in nats times T^2, never negative but for rounding, in
        float32 or, for float64 logits, in float64.

    Raises:
        ValueError: the shapes differ or are not four-dimensional, or the temperature
            is not positive.

    Example:
        >>> import torch
        >>> teacher = torch.tensor([0.5, 0.5]).log().reshape(1, 2, 1, 1)
        >>> student = torch.tensor([0.25, 0.75]).log().reshape(1, 2, 1, 1)
        >>> round(pixel_kl(teacher, student).item(), 4)  # log(4 / 3) / 2
        0.1438
    """
    _check(teacher_logits, student_logits, temperature)
    log_p, log_q = (
        F.log_softmax(
            z.to(torch.promote_types(z.dtype, torch.float32)) / temperature, 1
        )
        for z in (teacher_logits, student_logits)
    )
    divergence = F.kl_div(log_q, log_p, reduction="none", log_target=True)
    return divergence.sum(1) * temperature**2


def channel_kl(
    teacher_logits: Tensor,
    student_logits: Tensor,
    temperature: float = 1.0,
    ignored: Tensor | None = None,
) -> Tensor:
    r"""Kullback-Leibler divergence of where two networks see each class.

    .. math::

        T^2 \sum_i p_i (\log p_i - \log q_i), \qquad
        p = softmax_i(z_{teacher} / T), \quad q = softmax_i(z_{student} / T)

    over the positions i of an image, for each class: channel-wise distillation (Shu et
    al. 2021). The softmax is computed in float32 at least. Nothing is detached here.

    Args:
        teacher_logits: scores (N, K, H, W) of K classes, of any floating dtype.
        student_logits: scores of the same shape.
        temperature: T, positive.
        ignored: booleans (N, 1, H, W), true for positions that do not count.

    Returns:
        Divergences (N, K) in nats times T^2, never negative but for rounding, 0 where
        no position counts; in float32 or, for float64 logits, in float64.

    Raises:
        ValueError: the shapes differ or are not four-dimensional, or the temperature
            is not positive.
    """
    _check(teacher_logits, student_logits, temperature)
    log_p, log_q = (
        _over_positions(z, temperature, ignored)
        for z in (teacher_logits, student_logits)
    )
    divergence = F.kl_div(log_q, log_p, reduction="none", log_target=True)
    return divergence.sum(2) * temperature**2


def _over_positions(z: Tensor, temperature: float, ignored: Tensor | None) -> Tensor:
    z = z.to(torch.promote_types(z.dtype, torch.float32)) / temperature
    if ignored is not None:
        # Finite, so that an image of nothing else has equal shares, and no NaN.
        z = z.masked_fill(ignored, torch.finfo(z.dtype).min / 4)
    return F.log_softmax(z.flatten(2), 2)


def _check(teacher_logits: Tensor, student_logits: Tensor, temperature: float) -> None:
    if temperature <= 0:
        raise ValueError(f"expected a positive temperature, got {temperature}")
    if teacher_logits.ndim != 4 or teacher_logits.shape != student_logits.shape:
        raise ValueError(
            "expected teacher and student logits of one shape (N, K, H, W), got "
            f"{tuple(teacher_logits.shape)} and {tuple(student_logits.shape)}"
        )
