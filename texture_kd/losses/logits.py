"""Logits of two networks, brought to where they can be compared."""

from torch import Tensor

from texture_kd.functional.labels import labels_on_grid
from texture_kd.functional.valid_area import valid_resize
from texture_kd.losses.feature_checks import check_same_images


def aligned_logits(
    preds_S: Tensor,
    preds_T: Tensor,
    align_corners: bool = False,
    least_classes: int = 2,
    valid: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Bring the student's logits to the teacher's grid.

    Args:
        preds_S: logits of the student (N, K, H, W), of any floating dtype.
        preds_T: logits of the teacher (N, K, H', W').
        align_corners: how the student's are resized, bilinearly.
        least_classes: classes that are needed; the softmax of one is constant.
        valid: booleans (N, H'', W'') or (N, 1, H'', W''), false for padding, from which
            nothing is taken; or None.

    Returns:
        Both (N, K, H', W') in float32 at least, 0 in the padding; the teacher's are
        detached.

    Raises:
        ValueError: logits are not four-dimensional, of too few classes, or differ in
            their number of images or of classes; or ``valid`` is not as said.
    """
    _check(preds_S, preds_T, least_classes)
    grid = preds_T.shape[-2:]
    preds_S, preds_T = (
        valid_resize(z, grid, valid, align_corners) for z in (preds_S, preds_T.detach())
    )
    return preds_S, preds_T


def ignored_pixels(gt: Tensor, preds: Tensor, ignore_index: int) -> Tensor:
    """Tell which pixels of logits have a label that is ignored.

    Args:
        gt: integer labels (N, H, W) or (N, 1, H, W). They are brought to the grid of
            the logits by taking the label nearest to the centre of each cell.
        preds: logits (N, K, h, w).
        ignore_index: label of the pixels that do not count.

    Returns:
        Booleans (N, 1, h, w).

    Raises:
        ValueError: labels are not integers or have another shape.
    """
    labels = labels_on_grid(gt, len(preds), tuple(preds.shape[-2:]))
    return labels[:, None] == ignore_index


def _check(preds_S: Tensor, preds_T: Tensor, least_classes: int) -> None:
    for name, logits in (("student", preds_S), ("teacher", preds_T)):
        if logits.ndim != 4:
            raise ValueError(
                f"expected logits (N, K, H, W) from the {name}, "
                f"got shape {tuple(logits.shape)}"
            )
        if logits.shape[1] < least_classes:
            raise ValueError(
                f"expected logits of at least 2 classes from the {name}, got 1, whose "
                "softmax is constant: give the decode head out_channels=2"
            )
    if preds_S.shape[1] != preds_T.shape[1]:
        raise ValueError(
            "expected student and teacher to know the same classes, got "
            f"{preds_S.shape[1]} and {preds_T.shape[1]} classes"
        )
    check_same_images(preds_S, preds_T)
