"""The learnt part of SSTKD's DTIEM: features, and graph reasoning on their levels."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from texture_kd.functional.quantization import mix_levels
from texture_kd.functional.regions import Regions, crop_regions
from texture_kd.functional.self_similarity import cosine_self_similarity
from texture_kd.functional.texture_histogram import HistogramOptions, texture_histogram


class Texture(NamedTuple):
    """Features of regions of one shape, and their statistical texture.

    Attributes:
        features: (R, D, h, w).
        statistics: F^sta (R, D, h, w), not normalised.
    """

    features: Tensor
    statistics: Tensor


class TextureExtractor(nn.Module):
    r"""Extract statistical texture from aligned features (SSTKD, Eq. 4-6; STLNet).

    A core of two convolutions describes the whole map. In each region the levels of its
    self-similarity are the nodes of a graph,

    .. math::

        H = out([f_2(f_1([L; DE / \sum DE])); g]), \qquad
        F = out'(V X^T), \quad X = softmax(K^T Q)

    with Q, K, V linear in H and g the region's mean feature; and each pixel gets the
    features of its levels, F^{sta} = F E / sum E.

    Shares enter as multiples of the uniform one, f_2 is normalised over the levels, and
    out over levels and channels. Without that the nodes are so alike that attention
    averages them all, and F^{sta} is the same at all pixels of a region: its variance
    between them was 1e-12 of the whole at the start, and is 0.2 to 0.9 this way.

    Args:
        channels: channels C of the input.
        texture_channels: channels D of the output.
        options: how histograms are made.

    Raises:
        ValueError: there are fewer than two levels or texture channels.
    """

    def __init__(
        self, channels: int, texture_channels: int, options: HistogramOptions
    ) -> None:
        super().__init__()
        if options.count < 2:
            raise ValueError(f"expected at least two levels, got count={options.count}")
        self.options = options
        if texture_channels < 2:
            raise ValueError(
                f"expected at least two texture_channels, got {texture_channels}"
            )
        d = texture_channels
        self.core = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            # Groups of two channels at least, for maps of a single pixel.
            nn.GroupNorm(32 if channels % 64 == 0 else 1, channels),
            nn.LeakyReLU(),
            nn.Conv2d(channels, d, 1),
        )
        self.levels = nn.Sequential(
            nn.Conv1d(2, d // 2, 1),
            nn.LeakyReLU(),
            nn.Conv1d(d // 2, d, 1, bias=False),
            nn.GroupNorm(d, d),
        )
        self.node = nn.Sequential(nn.Conv1d(2 * d, d, 1), nn.GroupNorm(1, d))
        # A query's bias would make no difference to the softmax.
        self.query = nn.Conv1d(d, d, 1, bias=False)
        self.key = nn.Conv1d(d, d, 1)
        self.value = nn.Conv1d(d, d, 1)
        self.out = nn.Conv1d(d, d, 1)

    def forward(
        self, aligned: Tensor, groups: Sequence[Regions] | None
    ) -> list[Texture]:
        """Extract the texture of regions.

        Args:
            aligned: features (B, C, H, W).
            groups: regions; None for each image as a whole.

        Returns:
            The texture of each group, in float32 at least.
        """
        regions = self.features(aligned, groups)
        with torch.autocast(aligned.device.type, enabled=False):
            statistics = self._statistics(regions)
            return list(map(Texture, regions, statistics))

    def features(
        self, aligned: Tensor, groups: Sequence[Regions] | None
    ) -> list[Tensor]:
        """Describe regions, without their statistics.

        Args:
            aligned: features (B, C, H, W).
            groups: regions; None for each image as a whole.

        Returns:
            Features (R, D, h, w) of each group, in float32 at least.
        """
        features = self.core(aligned)
        features = features.to(torch.promote_types(features.dtype, torch.float32))
        return cut_regions(features, groups)

    def _statistics(self, regions: Sequence[Tensor]) -> list[Tensor]:
        histograms = [
            texture_histogram(cosine_self_similarity(x).flatten(1), self.options)
            for x in regions
        ]
        # Regions of all shapes have as many levels: their graphs go together.
        levels = torch.cat(
            [torch.stack([h.raw_levels, h.nodes[:, 1]], 1) for h in histograms]
        )
        nodes = self._reason(levels, torch.cat([x.mean((2, 3)) for x in regions]))
        nodes = nodes.split([len(x) for x in regions])
        return [
            mix_levels(n, h.intensity, h.levels).unflatten(2, x.shape[2:])
            for x, h, n in zip(regions, histograms, nodes, strict=True)
        ]

    def _reason(self, levels: Tensor, means: Tensor) -> Tensor:
        """Return nodes (R, D, N) of levels and shares (R, 2, N) and of means (R, D)."""
        means = means[..., None].expand(-1, -1, levels.shape[2])
        nodes = self.node(torch.cat([self.levels(levels), means], 1))
        attention = self.key(nodes).mT @ self.query(nodes)
        return self.out(self.value(nodes) @ attention.softmax(-1).mT)


def standardised(statistics: Tensor) -> Tensor:
    """Bring each channel of each region to mean 0 and variance 1.

    A constant channel gives 0. Normalised over the channels as well, what all pixels of
    a region have in common was soon nearly all that was learnt and compared: 99 % of
    the variance after 400 iterations on the texture mosaic, against 20 % this way.

    Args:
        statistics: F^sta (R, D, h, w).

    Returns:
        The same, standardised.
    """
    variance, mean = torch.var_mean(statistics, dim=(2, 3), correction=0, keepdim=True)
    return (statistics - mean) * (variance + 1e-5).rsqrt()


def cut_regions(x: Tensor, groups: Sequence[Regions] | None) -> list[Tensor]:
    """Cut groups of regions out of maps.

    Args:
        x: maps (B, C, H, W).
        groups: regions; None for each image as a whole.

    Returns:
        Maps (R, C, h, w) of each group.
    """
    return [x] if groups is None else crop_regions(x, groups)
