"""The auxiliary segmentation head that SSTKD's statistical texture is learnt with."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from texture_kd.functional.labels import labels_on_grid
from texture_kd.functional.region_pixels import cut_regions
from texture_kd.functional.regions import Regions
from texture_kd.losses.texture_extractor import Texture


class TextureClassifier(nn.Module):
    """Classify pixels by features beside statistical texture, as STLNet does.

    Args:
        texture_channels: channels of the features, and of the statistics.
        num_classes: number of classes.
        ignore_index: label of the pixels that do not count.
    """

    def __init__(
        self, texture_channels: int, num_classes: int, ignore_index: int
    ) -> None:
        super().__init__()
        self.ignore_index = ignore_index
        self.classify = nn.Conv2d(2 * texture_channels, num_classes, 1)

    def forward(
        self,
        texture: Texture,
        regions: Regions,
        gt: Tensor,
        images: int,
    ) -> Tensor:
        """Compute the cross-entropy.

        Args:
            texture: features and statistics (T, D) of the regions' pixels, each channel
                of the statistics standardised in each region.
            regions: the regions.
            gt: integer labels (N, H, W) or (N, 1, H, W).
            images: N.

        Returns:
            The mean over the regions' pixels that count, in nats; 0 where none counts.

        Raises:
            ValueError: labels are not integers or have another shape.
        """
        labels = labels_on_grid(gt, images, regions.size)[:, None]
        labels = cut_regions(labels, regions)[:, 0].long()
        # A convolution of one pixel each, in a matrix product.
        weight = self.classify.weight.flatten(1)
        logits = F.linear(torch.cat(texture, dim=1), weight, self.classify.bias)
        total = F.cross_entropy(
            logits.to(texture.features.dtype),
            labels,
            ignore_index=self.ignore_index,
            reduction="sum",
        )
        return total / (labels != self.ignore_index).sum().clamp(min=1)
