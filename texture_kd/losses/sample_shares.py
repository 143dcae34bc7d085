"""The shares of DS2D2 from the data samples that a student is trained on."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from texture_kd.functional.box_shares import box_shares, component_boxes
from texture_kd.functional.component_shares import component_shares

Weighting = Literal["none", "component", "class", "bbox", "boxes"]

_ADVICE = {
    "gt_components": "put LabelComponents behind PackSegInputs in the train pipeline",
    "gt_sem_seg": "train on labels of pixels",
    "gt_instances": "train on boxes, or take another weighting",
}


def sample_shares(
    weighting: Weighting,
    samples: Sequence[Any],
    size: tuple[int, int],
    gamma: float,
    ignore_index: int,
    device: torch.device,
) -> Tensor | None:
    """Compute what the cells of a grid weigh beyond 1 from what is known of the images.

    Args:
        weighting: what has the same share each: ``component`` those of
            ``gt_components``, ``class`` each class of ``gt_sem_seg`` in an image,
            ``bbox`` the boxes about the components, ``boxes`` those of
            ``gt_instances``; or ``none``.
        samples: N data samples, as the data preprocessor leaves them.
        size: height h and width w of the grid.
        gamma: what each adds in all.
        ignore_index: label of the pixels in no class and, where the samples have
            labels, in no component.
        device: where they are computed.

    Returns:
        Shares (N, h, w) in float32, or None for ``none``.

    Raises:
        ValueError: the samples lack what is needed.
    """
    if weighting == "none":
        return None
    if weighting == "boxes":
        return _of_boxes(samples, size, gamma, device)
    if weighting == "class":
        labels = stacked(samples, "gt_sem_seg", ignore_index).to(device)[:, 0].long()
        return component_shares(
            labels.masked_fill(labels == ignore_index, -1), size, gamma
        )
    ids = stacked(samples, "gt_components", -1).to(device)[:, 0]
    if all(hasattr(sample, "gt_sem_seg") for sample in samples):
        # Whatever LabelComponents took for ignored.
        labels = stacked(samples, "gt_sem_seg", ignore_index).to(device)[:, 0]
        ids = ids.masked_fill(labels == ignore_index, -1)
    if weighting == "component":
        return component_shares(ids, size, gamma)
    boxes, image = component_boxes(ids)
    return box_shares(boxes, image, len(ids), size, tuple(ids.shape[1:]), gamma)


def stacked(samples: Sequence[Any], name: str, fill: int) -> Tensor:
    """Put the maps of all samples together.

    Args:
        samples: data samples with a map (1, H, W) under ``name``.
        name: their attribute.
        fill: what stands where an image was padded, right and below; MMSegmentation
            pads its own maps only.

    Returns:
        (N, 1, H, W), of the size of the padded images.

    Raises:
        ValueError: a sample has no such map.
    """
    maps = [_attribute(sample, name).data for sample in samples]
    # Its label map has the size of the padded image.
    labels = [getattr(sample, "gt_sem_seg", None) for sample in samples]
    padded = [x.data for x in labels if x is not None] + maps
    height, width = (max(x.shape[side] for x in padded) for side in (-2, -1))
    return torch.stack(
        [
            F.pad(m, (0, width - m.shape[-1], 0, height - m.shape[-2]), value=fill)
            for m in maps
        ]
    )


def _of_boxes(
    samples: Sequence[Any],
    size: tuple[int, int],
    gamma: float,
    device: torch.device,
) -> Tensor:
    boxes = [_attribute(sample, "gt_instances").bboxes for sample in samples]
    # MMDetection wraps boxes in a class of their own.
    boxes = [getattr(b, "tensor", b).to(device) for b in boxes]
    counts = [len(b) for b in boxes]
    image = torch.arange(len(boxes)).repeat_interleave(
        torch.tensor(counts), output_size=sum(counts)
    )
    shapes = [sample.metainfo.get("batch_input_shape") for sample in samples]
    if None in shapes:
        raise ValueError(
            "the data samples have no batch_input_shape, which MMDetection's data "
            "preprocessor sets: the size of the padded images"
        )
    return box_shares(
        torch.cat(boxes), image, len(boxes), size, tuple(shapes[0]), gamma
    )


def _attribute(sample: Any, name: str) -> Any:
    value = getattr(sample, name, None)
    if value is None:
        raise ValueError(
            f"the data samples have no {name}, which DS2D2Loss needs: {_ADVICE[name]}"
        )
    return value
