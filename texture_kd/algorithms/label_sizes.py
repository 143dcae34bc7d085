"""Labels that have to have the size of their images."""

from mmengine.structures import BaseDataElement
from torch import Tensor

__all__ = ["check_label_sizes"]


def check_label_sizes(images: Tensor, samples: list[BaseDataElement]) -> None:
    """Check the label maps of a batch.

    Args:
        images: (N, C, H, W).
        samples: their data samples; of those with ``gt_sem_seg`` it is (1, H, W).

    Raises:
        ValueError: labels have several channels, or another size.
    """
    # MMSegmentation would stretch predictions to whatever size labels have.
    size = tuple(images.shape[-2:])
    for sample in samples:
        labels = getattr(sample, "gt_sem_seg", None)
        if labels is not None and labels.data.shape[:-2] != (1,):
            raise ValueError(
                f"The labels of {getattr(sample, 'seg_map_path', 'an image')} have the "
                f"shape {tuple(labels.data.shape)} where (1, H, W) is expected: a "
                "label file has one channel that holds the class of each pixel."
            )
        if labels is not None and tuple(labels.shape[-2:]) != size:
            raise ValueError(
                f"The labels of {getattr(sample, 'seg_map_path', 'an image')} are "
                f"{tuple(labels.shape[-2:])} where the images of the batch are {size}: "
                "label files have to have the size of their images."
            )
