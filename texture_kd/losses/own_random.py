"""A module with random numbers of its own."""

import torch
from torch import Tensor, distributed, nn


class OwnRandom(nn.Module):
    """Draw random numbers that are kept in checkpoints.

    PyTorch's own are not touched, so that dropout falls as it does without the module.
    Processes that train together have one state, which any of them can save, and draw
    numbers of their own.

    Args:
        seed: start of the random numbers; that of PyTorch by default.
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        seed = torch.initial_seed() if seed is None else seed
        self._state = torch.Generator("cpu").manual_seed(seed).get_state()

    def generator(self) -> torch.Generator:
        """Return a CPU generator, the same until :meth:`advance` is called."""
        word, _ = self._next()
        return torch.Generator("cpu").manual_seed(word + _rank())

    def advance(self) -> None:
        """Go on to other random numbers."""
        _, self._state = self._next()

    def _next(self) -> tuple[int, Tensor]:
        generator = torch.Generator("cpu")
        generator.set_state(self._state)
        word = torch.randint(2**62, (), generator=generator, device="cpu").item()
        return word, generator.get_state()

    def get_extra_state(self) -> Tensor:
        """Return the random state."""
        return self._state

    def set_extra_state(self, state: Tensor) -> None:
        """Restore the random state."""
        self._state = state.cpu()


def _rank() -> int:
    started = distributed.is_available() and distributed.is_initialized()
    return distributed.get_rank() if started else 0
