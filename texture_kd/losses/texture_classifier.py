"""The auxiliary segmentation head that SSTKD's statistical texture is learnt with."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from texture_kd.functional.labels import labels_on_grid
from texture_kd.functional.regions import Regions
from texture_kd.losses.texture_extractor import Texture, cut_regions, standardised


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
        textures: Sequence[Texture],
        groups: Sequence[Regions] | None,
        gt: Tensor,
        images: int,
        size: tuple[int, int],
    ) -> Tensor:
        """Compute the cross-entropy.

        Args:
            textures: texture of each group of regions.
            groups: the regions; None for each image as a whole.
            gt: integer labels (N, H, W) or (N, 1, H, W).
            images: N.
            size: height and width of the map that the regions are in.

        Returns:
            The mean over the regions' pixels that count, in nats; 0 where none counts.

        Raises:
            ValueError: labels are not integers or have another shape.
        """
        labels = labels_on_grid(gt, images, size)[:, None]
        total, count = 0, 0
        for texture, label in zip(textures, cut_regions(labels, groups), strict=True):
            statistics = standardised(texture.statistics)
            logits = self.classify(torch.cat([texture.features, statistics], dim=1))
            total = total + F.cross_entropy(
                logits.to(texture.features.dtype),
                label[:, 0].long(),
                ignore_index=self.ignore_index,
                reduction="sum",
            )
            count = count + (label != self.ignore_index).sum()
        return total / count.clamp(min=1)
