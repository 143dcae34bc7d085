"""Logits of two networks, brought to where they can be compared."""

from torch import Tensor

from texture_kd.functional.binary_logits import two_class_logits
from texture_kd.functional.labels import labels_on_grid
from texture_kd.functional.valid_area import shared_area, valid_only, valid_resize
from texture_kd.losses.feature_checks import check_same_images


def aligned_logits(
    preds_S: Tensor,
    preds_T: Tensor,
    align_corners: bool = False,
    valid: Tensor | None = None,
    classes: bool = True,
) -> tuple[Tensor, Tensor]:
    """Bring the student's logits to the teacher's grid.

    Args:
        preds_S: logits of the student (N, K, H, W), of any floating dtype.
        preds_T: logits of the teacher (N, K, H', W').
        align_corners: how the student's are resized, bilinearly.
        valid: booleans (N, H'', W'') or (N, 1, H'', W''), false for padding, from which
            nothing is taken; or None.
        classes: whether the channels are classes of a softmax. A single one is then
            that of a sigmoid, and becomes the logits of two classes.

    Returns:
        Both (N, K, H', W') in float32 at least, 0 in the padding; the teacher's are
        detached. With ``classes`` K is at least 2.

    Raises:
        ValueError: logits are not four-dimensional, or differ in their number of images
            or of classes; or ``valid`` is not as said.
    """
    if classes:
        preds_S, preds_T = (
            two_class_logits(z) if z.ndim == 4 else z for z in (preds_S, preds_T)
        )
    _check(preds_S, preds_T)
    grid = preds_T.shape[-2:]
    preds_S, preds_T = (
        valid_resize(z, grid, valid, align_corners) for z in (preds_S, preds_T.detach())
    )
    return preds_S, preds_T


def compared_logits(
    preds_S: Tensor,
    preds_T: Tensor,
    gt: Tensor | None,
    valid: Tensor | None,
    ignore_index: int,
    align_corners: bool = False,
    classes: bool = True,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Bring the student's logits to the teacher's grid, and say which pixels count.

    Args:
        preds_S: logits of the student (N, K, H, W), of any floating dtype.
        preds_T: logits of the teacher (N, K, H', W').
        gt: integer labels (N, H'', W'') or (N, 1, H'', W''), or None.
        valid: booleans of the same shapes, true for pixels of the image and false for
            padding; or None where nothing is padded.
        ignore_index: label of the pixels that do not count.
        align_corners: how the student's are resized, bilinearly, from what is valid.
        classes: as in :func:`aligned_logits`.

    Returns:
        Both (N, K, H', W') in float32 at least, the teacher's detached; and booleans
        (N, 1, H', W'), true for the pixels that are valid and not ignored, or None if
        all count. Where a pixel does not count both are 0, whatever stood there.

    Raises:
        ValueError: logits, labels or the valid area do not fit together.
    """
    own = tuple(preds_S.shape[-2:])
    preds_S, preds_T = aligned_logits(preds_S, preds_T, align_corners, valid, classes)
    grid = tuple(preds_T.shape[-2:])
    counts = shared_area(valid, len(preds_T), own, grid, align_corners)
    if gt is not None:
        labelled = ~ignored_pixels(gt, preds_T, ignore_index)
        counts = labelled if counts is None else counts & labelled
    preds_S, preds_T = (valid_only(z, counts) for z in (preds_S, preds_T))
    return preds_S, preds_T, counts


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


def _check(preds_S: Tensor, preds_T: Tensor) -> None:
    for name, logits in (("student", preds_S), ("teacher", preds_T)):
        if logits.ndim != 4:
            raise ValueError(
                f"expected logits (N, K, H, W) from the {name}, "
                f"got shape {tuple(logits.shape)}"
            )
    if preds_S.shape[1] != preds_T.shape[1]:
        raise ValueError(
            "expected student and teacher to know the same classes, got "
            f"{preds_S.shape[1]} and {preds_T.shape[1]} classes"
        )
    check_same_images(preds_S, preds_T)
