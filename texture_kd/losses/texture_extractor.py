"""The learnt part of SSTKD's DTIEM: features, and graph reasoning on their levels."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from texture_kd.functional.precision import without_autocast
from texture_kd.functional.quantization import mix_levels
from texture_kd.functional.region_pixels import (
    cut_regions,
    region_means,
    side_by_side,
    slots,
)
from texture_kd.functional.regions import Regions
from texture_kd.functional.self_similarity import region_self_similarity
from texture_kd.functional.texture_histogram import (
    HistogramOptions,
    TextureHistogram,
    texture_histogram,
)


class Texture(NamedTuple):
    """Features of regions' pixels, and their statistical texture.

    Attributes:
        features: (T, D).
        statistics: F^sta (T, D), not normalised.
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

    def forward(self, aligned: Tensor, regions: Regions) -> Texture:
        """Extract the texture of regions.

        Args:
            aligned: features (B, C, H, W).
            regions: regions of them.

        Returns:
            The texture of their pixels, in float32 at least.
        """
        features = self.features(aligned, regions)
        with without_autocast(aligned.device):
            return Texture(features, self._statistics(features, regions))

    def features(self, aligned: Tensor, regions: Regions) -> Tensor:
        """Describe the pixels of regions, without their statistics.

        Args:
            aligned: features (B, C, H, W).
            regions: regions of them.

        Returns:
            Features (T, D), in float32 at least.
        """
        features = self.core(aligned)
        features = features.to(torch.promote_types(features.dtype, torch.float32))
        return cut_regions(features, regions)

    def _statistics(self, features: Tensor, regions: Regions) -> Tensor:
        histogram = region_histograms(features, regions, self.options)
        levels = torch.stack([histogram.raw_levels, histogram.nodes[:, 1]], 1)
        nodes = self._reason(levels, region_means(features, regions))
        return mix_levels(nodes, histogram.intensity, histogram.levels, slots(regions))

    def _reason(self, levels: Tensor, means: Tensor) -> Tensor:
        """Return nodes (R, D, N) of levels and shares (R, 2, N) and of means (R, D)."""
        means = means[..., None].expand(-1, -1, levels.shape[2])
        nodes = self.node(torch.cat([self.levels(levels), means], 1))
        attention = self.key(nodes).mT @ self.query(nodes)
        return self.out(self.value(nodes) @ attention.softmax(-1).mT)


def region_histograms(
    features: Tensor, regions: Regions, options: HistogramOptions
) -> TextureHistogram:
    """Describe the self-similarity of each region by a histogram.

    Args:
        features: features (T, C) of the regions' pixels.
        regions: whose they are.
        options: how histograms are made.

    Returns:
        The histograms of rows (R, P), P pixels as of the largest region.
    """
    similarity = region_self_similarity(features, regions)
    rows = side_by_side(similarity, regions)
    return texture_histogram(rows, options, regions.counts)
