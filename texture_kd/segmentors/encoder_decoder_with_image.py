"""A segmentor whose decode head sees the image."""

from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor


class EncoderDecoderWithImage(EncoderDecoder):
    """MMSegmentation's ``EncoderDecoder``, with the image behind the features.

    A head finds the image, normalised as the backbone gets it, at ``in_index=-1``; the
    indices of all features stay. Training, inference of whole images and of sliding
    windows, augmentation at test time, and teachers and students take their features
    from here.
    """

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Compute the backbone's features, and the neck's.

        Args:
            inputs: images (N, C, H, W).

        Returns:
            Features (N, C, h, w), and the images.
        """
        return (*super().extract_feat(inputs), inputs)
