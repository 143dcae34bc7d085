"""What losses refuse of features and logits, and how features come to one grid."""

from collections.abc import Sequence

import torch
from torch import Tensor

from texture_kd.functional.valid_area import fill_padding, shared_area, valid_resize


def check_feature(source: str, feature: Tensor) -> None:
    """Refuse what is not a feature map.

    Args:
        source: where it comes from, for the message.
        feature: what should be a feature (N, C, H, W).

    Raises:
        ValueError: it is no tensor, or not a floating point (N, C, H, W).
    """
    if not isinstance(feature, Tensor):
        raise ValueError(
            f"expected a feature from the {source}, got {type(feature).__name__}: "
            "a recorder of a whole backbone needs data_idx, the number of the stage "
            "from 0"
        )
    if feature.ndim != 4 or not feature.is_floating_point():
        raise ValueError(
            f"expected a floating point feature (N, C, H, W) from the {source}, "
            f"got {feature.dtype} with shape {tuple(feature.shape)}"
        )


def check_same_images(student: Tensor, teacher: Tensor) -> None:
    """Refuse tensors of different numbers of images.

    Args:
        student: what comes from the student, (N, ...).
        teacher: what comes from the teacher.

    Raises:
        ValueError: their first sizes differ.
    """
    if len(student) != len(teacher):
        raise ValueError(
            "expected as many images from the student as from the teacher, got "
            f"{len(student)} and {len(teacher)}"
        )


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
            nothing but images. Padding takes the mean of the valid area.
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
    student, teacher = student.to(dtype), teacher.detach().to(dtype)
    own, grid = tuple(student.shape[2:]), tuple(teacher.shape[2:])
    if own != grid:
        student = valid_resize(student, grid, valid)
    if valid is None:
        return student, teacher, None
    area = shared_area(valid, len(teacher), own, grid)
    return fill_padding(student, area), fill_padding(teacher, area), area


def check_levels(
    side: str, features: Sequence[Tensor], channels: Sequence[int]
) -> None:
    """Refuse what are not the levels of a backbone or neck.

    Args:
        side: ``"student"`` or ``"teacher"``, for the message.
        features: what should be features (N, C_l, H_l, W_l).
        channels: C_l of all levels.

    Raises:
        ValueError: they are no sequence, of another length, or one of them is no
            feature or has other channels.
    """
    if not isinstance(features, Sequence):
        raise ValueError(
            f"expected the levels of the {side} as a tuple, got "
            f"{type(features).__name__}: record its backbone or neck, without data_idx"
        )
    if len(features) != len(channels):
        raise ValueError(
            f"expected {len(channels)} levels from the {side}, got {len(features)}: "
            f"set {side}_channels to the channels of all of them"
        )
    for level, (feature, count) in enumerate(zip(features, channels, strict=True)):
        check_feature(f"{side}'s level {level}", feature)
        if feature.shape[1] != count:
            raise ValueError(
                f"expected {count} channels from the {side}'s level {level}, got "
                f"{feature.shape[1]}: set {side}_channels"
            )


def check_channels(
    student_channels: Sequence[int], teacher_channels: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Refuse what are not the channels of as many levels of both networks.

    Args:
        student_channels: channels of all levels of the student.
        teacher_channels: channels of all levels of the teacher.

    Returns:
        Both as tuples.

    Raises:
        ValueError: they are no positive integers, or not as many of both.
    """
    given = dict(student_channels=student_channels, teacher_channels=teacher_channels)
    for name, channels in given.items():
        known = isinstance(channels, Sequence) and all(type(c) is int for c in channels)
        if not known or min(channels, default=1) < 1:
            raise ValueError(
                f"expected {name} as the channels of all levels, such as "
                f"(64, 128, 256, 512), got {channels!r}"
            )
    ours, theirs = tuple(student_channels), tuple(teacher_channels)
    if len(ours) != len(theirs) or not ours:
        raise ValueError(
            "expected the channels of as many levels from both networks, got "
            f"student_channels={ours} and teacher_channels={theirs}: record as many, "
            "of the same strides, by out_indices of a backbone or by a neck"
        )
    return ours, theirs
