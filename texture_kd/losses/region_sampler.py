"""The sampler of regions as a module, with random numbers of its own."""

import torch
from torch import Tensor, nn

from texture_kd.functional.region_sampling import SamplerOptions, sample_regions
from texture_kd.functional.regions import Regions, group_regions
from texture_kd.functional.self_similarity import cosine_self_similarity


class RegionSampler(nn.Module):
    """Choose regions where the self-similarity of features has a high contrast.

    The random state goes into checkpoints, and PyTorch's is not touched. In eval mode
    it stays as it is: the regions are those of the next call in training, every time.

    Args:
        options: how many regions, and of what sizes.
        seed: start of the random numbers; that of PyTorch by default.
    """

    def __init__(self, options: SamplerOptions, seed: int | None = None) -> None:
        super().__init__()
        self.options = options
        seed = torch.initial_seed() if seed is None else seed
        self._state = torch.Generator().manual_seed(seed).get_state()

    @torch.no_grad()
    def forward(self, features: Tensor) -> list[Regions]:
        """Choose.

        Args:
            features: features (N, C, H, W) of any unit.

        Returns:
            Regions by their shape.
        """
        generator = torch.Generator()
        generator.set_state(self._state)
        intensity = cosine_self_similarity(features)
        boxes = sample_regions(intensity, generator, self.options)
        if self.training:
            self._state = generator.get_state()
        return group_regions(boxes)

    def get_extra_state(self) -> Tensor:
        """Return the random state."""
        return self._state

    def set_extra_state(self, state: Tensor) -> None:
        """Restore the random state."""
        self._state = state.cpu()
