r"""How far apart two detectors put the object that one of them sees."""

import torch
from torch import Tensor


def likeliest_delta_distance(
    student_deltas: Tensor, teacher_deltas: Tensor, teacher_logits: Tensor
) -> Tensor:
    r"""Compare the deltas of the class that the teacher sees in each region.

    .. math::

        \frac{\sum_r p_r \, \|\delta_r^S - \delta_r^T\|_1}{4 \sum_r p_r}, \qquad
        p_r = \max_{c < K} softmax(t_r)_c

    where :math:`\delta_r` has the four deltas of the class with the maximum, the
    background being no class. It is a mean over coordinates and over regions by their
    weight. The computation is in float32 at least. Nothing is detached here.

    Args:
        student_deltas: offsets of a box in the coder's units, (R, 4K), four of each
            class, or (R, 4), the same for all classes; of any floating dtype.
        teacher_deltas: those of the teacher.
        teacher_logits: scores (R, K + 1) of the classes and, last, the background.

    Returns:
        A scalar, 0 without regions, in float32 or, for float64 deltas, in float64.

    Raises:
        ValueError: the shapes do not go together.

    Example:
        >>> import torch
        >>> student, teacher = torch.zeros(1, 8), torch.tensor([[0.0] * 4 + [2.0] * 4])
        >>> logits = torch.tensor([[0.0, 9.0, 0.0]])
        >>> likeliest_delta_distance(student, teacher, logits).item()
        2.0
    """
    regions, classes = len(teacher_logits), teacher_logits.shape[-1] - 1
    if (
        teacher_logits.ndim != 2
        or classes < 1
        or tuple(student_deltas.shape) not in ((regions, 4 * classes), (regions, 4))
        or student_deltas.shape != teacher_deltas.shape
    ):
        raise ValueError(
            "expected deltas (R, 4K) or (R, 4) of student and teacher and logits "
            f"(R, K + 1), got {tuple(student_deltas.shape)}, "
            f"{tuple(teacher_deltas.shape)} and {tuple(teacher_logits.shape)}"
        )
    student, teacher, logits = (
        x.to(torch.promote_types(x.dtype, torch.float32))
        for x in (student_deltas, teacher_deltas, teacher_logits)
    )
    weight, index = logits.softmax(1)[:, :-1].max(1)
    distance = (student - teacher).abs().unflatten(1, (-1, 4)).sum(2)
    if distance.shape[1] > 1:
        distance = distance.gather(1, index[:, None])
    # Only without regions, or beside a certain background, is the sum 0.
    least = torch.finfo(weight.dtype).tiny
    return (weight * distance[:, 0]).sum() / (4 * weight.sum().clamp_min(least))
