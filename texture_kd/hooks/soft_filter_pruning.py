"""Train a network whose smallest filters are set to zero again and again."""

import math
from contextlib import ExitStack
from typing import Any

from mmengine.dist import get_world_size
from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import nn

from texture_kd.hooks.trained_network import trained_network
from texture_kd.pruning import (
    REMOVED,
    fit_to_state,
    following_norms,
    prunable_convolutions,
    pruning_rate,
    silence,
    zero_filters,
)
from texture_kd.pruning.filters import Schedule

__all__ = ["SoftFilterPruningHook"]


class SoftFilterPruningHook(Hook):
    """Soft filter pruning, with the rates of the spectral analysis (Sec. 3.2).

    .. code-block:: python

        custom_hooks = [dict(type="texture_kd.SoftFilterPruningHook", encoder=0.4)]

    Every ``interval`` iterations the filters of smallest norm of each convolution are
    set to zero. They go on learning and may come back. After the last iteration they
    are zero for good, with their norms' biases: the last checkpoint, and the last
    validation, are those of the network without them, which ``tools/remove_filters.py``
    makes.

    A validation or a checkpoint in between is of filters that have learnt again since
    the last pruning, unless its iteration is a multiple of ``interval``.

    In a distillation the student is pruned. With this hook a config also takes the
    checkpoint that the tool writes, whose layers are narrower than its own.

    Args:
        encoder: share of the filters of the backbone's convolutions.
        decoder: share of those of the neck and the decode head.
        schedule: ``constant``, or ``asymptotic``, a rate that grows from 0.
        interval: iterations from one pruning to the next; None is an epoch.

    Raises:
        ValueError: a rate, the schedule or the interval is out of range; when a
            training starts, the network has no convolutions to prune, or an EMAHook
            would put averages in place of zeros; several processes are to train a
            network whose filters were removed.
    """

    def __init__(
        self,
        encoder: float = 0.2,
        decoder: float = 0.2,
        schedule: Schedule = "constant",
        interval: int | None = None,
    ) -> None:
        for rate in (encoder, decoder):
            if not 0 <= rate < 1:
                raise ValueError(f"expected pruning rates from 0 to 1, got {rate}")
        if interval is not None and interval < 1:
            raise ValueError(f"expected an interval of at least 1, got {interval}")
        pruning_rate(0, encoder, schedule)
        self.encoder = encoder
        self.decoder = decoder
        self.schedule = schedule
        self.interval = interval
        self.narrowed = False
        self._watching = ExitStack()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Narrow the network to a checkpoint whose filters were removed."""
        if not checkpoint.get("meta", {}).get(REMOVED):
            return
        self.narrowed = fit_to_state(trained_network(runner), checkpoint["state_dict"])
        training = isinstance(runner.optim_wrapper, OptimWrapper)
        if training and is_model_wrapper(runner.model):
            raise ValueError(
                "several processes were made ready for the layers of the config, which "
                "are wider than the checkpoint's: train this one in a single process"
            )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Mark the checkpoints of a training that began with such a network."""
        if self.narrowed:
            checkpoint["meta"][REMOVED] = True

    def before_train(self, runner: Runner) -> None:
        """Look for what is to be pruned."""
        if any(isinstance(hook, EMAHook) for hook in runner.hooks):
            raise ValueError(
                "an EMAHook validates and saves averages of the weights, in which no "
                "filter is zero: leave it out, or SoftFilterPruningHook"
            )
        network = trained_network(runner)
        self.rates = prunable_convolutions(network, self.encoder, self.decoder)
        # Nothing is pruned before the first iteration: from scratch all norms' biases
        # are 0, and what is 0 before a ReLU has no gradient and would never come back.
        self.norms = self._watching.enter_context(following_norms(network))

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Prune at the end of an interval, and for good at the end of the training."""
        self._watching.close()
        done, network = runner.iter + 1, trained_network(runner)
        last = done == runner.max_iters
        if last or done % (self.interval or _epoch(runner)) == 0:
            self._prune(network, done / runner.max_iters)
        if last:
            for name in self.rates:
                silence(network.get_submodule(name), self.norms.get(name))

    def _prune(self, network: nn.Module, progress: float) -> None:
        for name, rate in self.rates.items():
            now = pruning_rate(progress, rate, self.schedule)
            zero_filters(network.get_submodule(name), now)


def _epoch(runner: Runner) -> int:
    # The length of a loader is the whole data set's with an InfiniteSampler, and that
    # of one process's share with others.
    loader = runner.train_dataloader
    return math.ceil(len(loader.dataset) / (loader.batch_size * get_world_size()))
