"""A module with random numbers of its own."""

import torch
from torch import Tensor, nn


class OwnRandom(nn.Module):
    """Draw random numbers that are kept in checkpoints.

    PyTorch's own are not touched, so that dropout falls as it does without the module.

    Args:
        seed: start of the random numbers; that of PyTorch by default.
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        seed = torch.initial_seed() if seed is None else seed
        self._state = torch.Generator().manual_seed(seed).get_state()

    def generator(self) -> torch.Generator:
        """Return a CPU generator in the present state."""
        generator = torch.Generator()
        generator.set_state(self._state)
        return generator

    def keep(self, generator: torch.Generator) -> None:
        """Go on from the state of a generator."""
        self._state = generator.get_state()

    def get_extra_state(self) -> Tensor:
        """Return the random state."""
        return self._state

    def set_extra_state(self, state: Tensor) -> None:
        """Restore the random state."""
        self._state = state.cpu()
