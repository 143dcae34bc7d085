"""The sampler of regions as a module, with random numbers of its own."""

import torch
from torch import Tensor

from texture_kd.functional.region_sampling import SamplerOptions, sample_regions
from texture_kd.functional.regions import Regions, regions_of, within
from texture_kd.functional.self_similarity import cosine_self_similarity
from texture_kd.losses.own_random import OwnRandom


class RegionSampler(OwnRandom):
    """Choose regions where the self-similarity of features has a high contrast.

    In eval mode its random state stays as it is: the regions are those of the next call
    in training, every time.

    Args:
        options: how many regions, and of what sizes.
        seed: start of the random numbers; that of PyTorch by default.
    """

    def __init__(self, options: SamplerOptions, seed: int | None = None) -> None:
        super().__init__(seed)
        self.options = options

    @torch.no_grad()
    def forward(self, features: Tensor, area: Tensor | None = None) -> Regions:
        """Choose.

        Args:
            features: features (N, C, H, W) of any unit.
            area: booleans (N, 1, H, W), false for padding, where features are 0; None
                where nothing is padded.

        Returns:
            Regions, those of each image in the order that they were chosen in, without
            pixels of padding.
        """
        generator = self.generator()
        # Zeros make the mean shorter, and leave its direction.
        intensity = cosine_self_similarity(features)
        boxes = sample_regions(intensity, generator, self.options, area)
        if self.training:
            self.advance()
        return within(regions_of(boxes, tuple(features.shape[2:])), area)
