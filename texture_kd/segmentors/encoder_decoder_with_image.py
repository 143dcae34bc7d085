"""A segmentor whose decode head sees the image."""

from collections.abc import Iterator

from mmengine.model import BaseModule
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor, nn


class EncoderDecoderWithImage(EncoderDecoder):
    """MMSegmentation's ``EncoderDecoder``, with the image behind the features.

    A head finds the image, normalised as the backbone gets it, at ``in_index=-1``; the
    indices of all features stay, from the front. Training, inference of whole images
    and of sliding windows, augmentation at test time, and teachers and students take
    their features from here.

    Args:
        **options: those of ``EncoderDecoder``.

    Raises:
        ValueError: a head of a single feature counts it from behind, as
            MMSegmentation's do if nothing is said: it would read the image.
    """

    def __init__(self, **options) -> None:
        super().__init__(**options)
        for name, head in self._heads():
            if isinstance(head.in_index, int) and head.in_index < 0:
                raise ValueError(
                    f"{name} ({type(head).__name__}) has in_index={head.in_index}, "
                    "which is counted from the image, behind the features: count from "
                    "the front, in_index=3 for the last of four stages"
                )

    def _heads(self) -> Iterator[tuple[str, BaseModule]]:
        for name in ("decode_head", "auxiliary_head"):
            head = getattr(self, name, None)
            for one in head if isinstance(head, nn.ModuleList) else [head]:
                if one is not None:
                    yield name, one

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Compute the backbone's features, and the neck's.

        Args:
            inputs: images (N, C, H, W).

        Returns:
            Features (N, C, h, w), and the images.
        """
        return (*super().extract_feat(inputs), inputs)
