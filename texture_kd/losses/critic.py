"""The critic of SSTKD's adversarial term: a conditional discriminator."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SLOPE = 0.2


class SelfAttention(nn.Module):
    """Let each position see all others (Zhang et al. 2019), at first not at all.

    Args:
        channels: channels of its input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // 8)
        self.query_key = nn.Conv2d(channels, 2 * inner, 1, bias=False)
        self.value = nn.Conv2d(channels, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Add what the positions say to each.

        Args:
            x: a map (N, channels, H, W), which takes memory for N (H W)^2 numbers.

        Returns:
            The map, of the same shape and dtype.
        """
        query, key = self.query_key(x).flatten(2).chunk(2, dim=1)
        value = self.value(x).flatten(2)
        # Written out: fused attention cannot be differentiated twice.
        scores = query.mT @ key / query.shape[1] ** 0.5
        seen = value @ scores.softmax(-1).mT
        return x + self.gamma * seen.unflatten(2, x.shape[-2:])


class Critic(nn.Module):
    """Score how much a segmentation looks like one of the teacher's, given its image.

    Four convolutions of stride 2 and self-attention behind the last two, as in SKD's
    holistic distillation (Liu et al. 2019), and the mean over the positions. It judges
    each image by itself: the gradient penalty rules out batch normalisation. Where a
    bias would be the same to all scores there is none, as differences never train it.

    Args:
        num_classes: classes K of the segmentation.
        image_channels: channels of the image.
        channels: channels behind the first convolution; each further one doubles them.
    """

    def __init__(
        self, num_classes: int, image_channels: int = 3, channels: int = 64
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.image_channels = image_channels
        widths = [num_classes + image_channels, *(channels * 2**i for i in range(4))]
        self.convs = nn.ModuleList(
            nn.Conv2d(width, wider, 3, stride=2, padding=1)
            for width, wider in pairwise(widths)
        )
        self.attentions = nn.ModuleList(
            [nn.Identity(), nn.Identity(), *map(SelfAttention, widths[3:])]
        )
        self.score = nn.Conv2d(widths[-1], 1, 1, bias=False)

    def forward(self, segmentation: Tensor, image: Tensor) -> Tensor:
        """Judge.

        Args:
            segmentation: class probabilities (N, K, H, W).
            image: the images (N, image_channels, H, W).

        Returns:
            Scores (N,) of any size and sign, the higher the more like the teacher's.
        """
        x = torch.cat([segmentation, image], dim=1)
        for conv, attention in zip(self.convs, self.attentions, strict=True):
            x = attention(F.leaky_relu(conv(x), _SLOPE))
        return self.score(x).mean((1, 2, 3))
