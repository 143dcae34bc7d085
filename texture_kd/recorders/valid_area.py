"""Records where the images of a batch are, and not what they were padded by."""

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from texture_kd.functional.transfer import sent
from texture_kd.recorders.data_samples import DataSamplesRecorder

__all__ = ["ValidAreaRecorder"]

# First row, row behind the last, first column, column behind the last.
Box = tuple[int, int, int, int]


class ValidAreaRecorder(DataSamplesRecorder):
    """Record which pixels of a batch are of an image and not of its padding.

    In a config it is ``dict(type='ValidArea')`` among the student's recorders, and what
    is recorded goes to the losses as ``valid``. It is booleans (N, 1, H, W) of the size
    of the batch, on its device, true inside each image. Where no image is padded it is
    None, and losses do what they do without.

    An image is ``img_shape`` of its data sample, behind ``padding_size`` (left, right,
    top, bottom) where there is one, in the upper left corner where there is none: what
    MMSegmentation's SegDataPreProcessor and MMDetection's DetDataPreprocessor say of
    what they pad themselves. A sample without ``img_shape`` counts as not padded. So
    does what a pipeline's own ``Pad`` adds, for that sets ``img_shape`` to the padded
    size: leave it out, and give the data preprocessor the ``size``.

    It is not read off the labels: pixels that they ignore are of the image, such as
    the bonnet at the lower edge of Cityscapes, and features show them.

    Args:
        source: what the log calls it.
    """

    def __init__(self, source: str = "valid_area") -> None:
        super().__init__(source)

    def found(
        self, images: Tensor, samples: Sequence[BaseDataElement] | None
    ) -> list[Tensor | None]:
        """Return the valid area of a batch, or None where nothing is padded."""
        # What a network of another kind is given need not be samples.
        known = isinstance(samples, Sequence) and isinstance(images, Tensor)
        size = tuple(images.shape[-2:]) if known else (0, 0)
        boxes = [_box(sample, size) for sample in samples] if known else []
        if all(box == (0, size[0], 0, size[1]) for box in boxes):
            return [None]
        return [_inside(boxes, size, images.device)]


def _box(sample: BaseDataElement, size: tuple[int, int]) -> Box:
    """Return where the image of a sample is in a batch of the size."""
    meta = getattr(sample, "metainfo", {})
    shape, padding = meta.get("img_shape"), meta.get("padding_size")
    height, width = (size if shape is None else shape)[:2]
    left, _, top, _ = (0, 0, 0, 0) if padding is None else padding
    bottom, right = min(top + height, size[0]), min(left + width, size[1])
    return int(top), int(bottom), int(left), int(right)


def _inside(
    boxes: Sequence[Box], size: tuple[int, int], device: torch.device
) -> Tensor:
    """Draw boxes as booleans (N, 1, H, W), without waiting for a GPU."""
    corners = sent(torch.tensor(boxes), device)[:, :, None, None, None]
    top, bottom, left, right = corners.unbind(1)
    rows, columns = (torch.arange(length, device=device) for length in size)
    rows = rows[:, None]
    return (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
