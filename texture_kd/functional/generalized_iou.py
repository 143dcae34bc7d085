r"""How well two boxes agree."""

import torch
from torch import Tensor

# Square pixels, below which an area counts as this much.
_LEAST_AREA = 1e-6


def generalized_iou(boxes: Tensor, others: Tensor) -> Tensor:
    r"""Compare boxes with others, each with the one in its place.

    .. math::

        GIoU = \frac{|A \cap B|}{|A \cup B|} - \frac{|C| - |A \cup B|}{|C|}

    with C the smallest box about A and B (Rezatofighi et al. 2019). Boxes that do not
    meet have a gradient towards each other. The computation is in float32 at least.

    Args:
        boxes: corners (x0, y0, x1, y1) in pixels, (K, 4), of any floating dtype, with
            x0 <= x1 and y0 <= y1.
        others: the same of what they are compared with.

    Returns:
        (K,) from -1 to 1, where 1 says that they are equal; 0 for two boxes without
        area in one place. In float32 or, for float64 boxes, in float64.

    Raises:
        ValueError: the shapes differ or are not (K, 4).

    Example:
        >>> import torch
        >>> a, b = torch.tensor([[0.0, 0, 2, 1]]), torch.tensor([[1.0, 0, 4, 1]])
        >>> generalized_iou(a, b).tolist()  # they share 1 of 4, and fill their box
        [0.25]
    """
    if boxes.ndim != 2 or boxes.shape[-1] != 4 or boxes.shape != others.shape:
        raise ValueError(
            "expected boxes and others of one shape (K, 4), got "
            f"{tuple(boxes.shape)} and {tuple(others.shape)}"
        )
    a, b = (x.to(torch.promote_types(x.dtype, torch.float32)) for x in (boxes, others))
    shared = _area(torch.maximum(a, b)[:, :2], torch.minimum(a, b)[:, 2:])
    union = _area(a[:, :2], a[:, 2:]) + _area(b[:, :2], b[:, 2:]) - shared
    about = _area(torch.minimum(a, b)[:, :2], torch.maximum(a, b)[:, 2:])
    return shared / union.clamp_min(_LEAST_AREA) - (about - union) / about.clamp_min(
        _LEAST_AREA
    )


def _area(low: Tensor, high: Tensor) -> Tensor:
    return (high - low).clamp_min(0).prod(-1)
