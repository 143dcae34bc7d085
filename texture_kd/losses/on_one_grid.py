"""Features of two networks, brought to where they can be compared."""

import torch
from torch import Tensor

from texture_kd.functional.valid_area import shared_area, valid_resize
from texture_kd.losses.feature_checks import check_same_images


def on_one_grid(
    student: Tensor,
    teacher: Tensor,
    valid: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Bring a student's feature to the teacher's grid, and both to one dtype.

    Args:
        student: feature (N, C, H, W), of any floating dtype. It is resized bilinearly,
            from valid positions alone.
        teacher: feature (N, C', H', W'), detached here.
        valid: booleans (N, H'', W'') or (N, 1, H'', W''), false for padding; None for
            nothing but images.
        dtype: the least precise dtype, beside float32 and those of both features.

    Returns:
        The student's feature (N, C, H', W'), the teacher's, and where both are valid,
        booleans (N, 1, H', W') or None.

    Raises:
        ValueError: the numbers of images differ, or ``valid`` is no mask.
    """
    check_same_images(student, teacher)
    for other in (torch.float32, student.dtype, teacher.dtype):
        dtype = torch.promote_types(dtype, other)
    grid = tuple(teacher.shape[2:])
    area = shared_area(valid, len(teacher), tuple(student.shape[2:]), grid)
    student = valid_resize(student.to(dtype), grid, valid)
    return student, teacher.detach().to(dtype), area
