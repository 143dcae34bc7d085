"""What losses refuse of the features and logits that recorders hand them."""

from torch import Tensor


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
