"""Lets a resumed run draw the random numbers that the interrupted one would have."""

import random

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

__all__ = ["RandomStateHook"]

_KEY = "torch_random_state"


class RandomStateHook(Hook):
    """Save PyTorch's random state in checkpoints and restore it on resuming.

    In a loop over iterations, MMEngine replays the data loader when it resumes, but not
    the generator that dropout draws from: a resumed run sees the same images under
    other masks. With this hook its losses are those of a run that was never
    interrupted. Loops over epochs are not replayed, and gain nothing. A checkpoint that
    is written within a validation, as those of ``save_best`` are, holds the state from
    before it.

    A checkpoint holds one state, for processes that are seeded alike; with
    ``randomness=dict(diff_rank_seed=True)`` nothing is restored.
    """

    # Last: whatever else a hook draws at the same point comes before.
    priority = "LOWEST"

    def __init__(self) -> None:
        self._resumed: dict[str, torch.Tensor] | None = None
        self._before_validation: dict[str, torch.Tensor] | None = None
        self._of_transforms: tuple | None = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the random state to the checkpoint, within a validation the one before.

        ``save_best`` writes the regular checkpoint once more from there.
        """
        checkpoint[_KEY] = self._before_validation or _random_state()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Remember the state of a checkpoint, if it has one."""
        seeds_differ = runner.cfg.get("randomness", {}).get("diff_rank_seed", False)
        self._resumed = None if seeds_differ else checkpoint.get(_KEY)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None
    ) -> None:
        """Restore the state once, after the data loader has been replayed."""
        if self._resumed is not None and runner.iter > 0:
            _restore(self._resumed)
        self._resumed = None

    def before_val(self, runner: Runner) -> None:
        """Set the state aside: a run resumed here does not validate again."""
        self._before_validation = _random_state()
        # Where no worker runs them, transforms draw in this process, from NumPy's old
        # generator and from Python's.
        self._of_transforms = random.getstate(), np.random.get_state()  # noqa: NPY002

    def after_val(self, runner: Runner) -> None:
        """Go on as if there had been no validation."""
        _restore(self._before_validation)
        self._before_validation = None
        python, numbers = self._of_transforms
        random.setstate(python)
        np.random.set_state(numbers)  # noqa: NPY002


def _random_state() -> dict[str, torch.Tensor]:
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def _restore(state: dict[str, torch.Tensor]) -> None:
    torch.set_rng_state(state["cpu"].cpu())
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"].cpu())
