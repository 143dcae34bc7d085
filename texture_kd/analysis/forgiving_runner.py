"""A runner that builds on where a part of a training cannot be built."""

from collections.abc import Callable
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import nn

from texture_kd.analysis.sound_part import sound_part
from texture_kd.analysis.stage_faults import StageFaults
from texture_kd.faults import Faults
from texture_kd.hooks import NumClassesCheckHook

__all__ = ["ForgivingRunner"]


class ForgivingRunner(Runner):
    """Collects the faults of all that it builds, and of the hooks that it asks.

    What cannot be built is left out, or something takes its place: of a distillation
    the part that is sound, and an optimiser that does nothing. A hook that refuses is
    not asked again.

    Attributes:
        faults: what is wrong.
        whole: whether the model is the config's.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.faults = StageFaults()
        self.whole = True
        self._sound = True
        super().__init__(*args, **kwargs)

    def build_loops(self) -> None:
        """Build data sets, metrics and loops; a loop that lacks one becomes None."""
        for name in ("train", "val", "test"):
            setattr(self, f"_{name}_loop", self._built_loop(name))
        self._sound = not self.faults.found

    def build_model(self, model: nn.Module | dict) -> nn.Module:
        """Build the model, or what of it is sound."""
        with self.faults.of("building the model"):
            return super().build_model(model)
        self.whole = False
        return sound_part(model)

    def register_hook(self, hook: Hook | dict, priority: Any = None) -> None:
        """Build a hook, or leave it out."""
        with self.faults.of("building a hook"):
            super().register_hook(hook, priority)

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        """Build the optimiser, or one that does nothing."""
        with self.faults.of("building optim_wrapper"):
            return super().build_optim_wrapper(optim_wrapper)
        # What is scheduled is of the other.
        self.param_schedulers = None
        return OptimWrapper(torch.optim.SGD(self.model.parameters(), lr=0.0))

    def build_param_scheduler(self, scheduler: Any) -> Any:
        """Build the schedules, or none."""
        with self.faults.of("building param_scheduler"):
            return super().build_param_scheduler(scheduler)
        return []

    def load_or_resume(self) -> None:
        """Load what the training starts from, if it is there."""
        with self.faults.of("loading load_from"):
            super().load_or_resume()

    def call_hook(self, fn_name: str, **kwargs: Any) -> None:
        """Ask each hook, and leave one out that refuses."""
        for hook in [hook for hook in self._hooks if hasattr(hook, fn_name)]:
            # The rest may miss what could not be built.
            told = self._sound or isinstance(hook, NumClassesCheckHook)
            faults = self.faults if told else Faults()
            with faults.of(type(hook).__name__):
                getattr(hook, fn_name)(self, **kwargs)
                continue
            self._hooks.remove(hook)

    def _init_model_weights(self) -> None:
        with self.faults.of("initialising the weights"):
            super()._init_model_weights()

    def _built_loop(self, name: str) -> Any:
        loop = getattr(self, f"_{name}_loop")
        if loop is None:
            return None
        builders = {"dataloader": self._data, "evaluator": self.build_evaluator}
        for part, build in builders.items():
            key = f"{name}_{part}"
            if getattr(self, f"_{key}", None) is not None:
                built = self._tried(key, build, getattr(self, f"_{key}"))
                setattr(self, f"_{key}", built)
                loop = None if built is None else loop
        build = getattr(self, f"build_{name}_loop")
        return None if loop is None else self._tried(f"{name}_cfg", build, loop)

    def _tried(self, what: str, build: Callable, config: Any) -> Any:
        with self.faults.of(f"building {what}"):
            return build(config)
        return None

    def _data(self, config: Any) -> Any:
        return self.build_dataloader(config, seed=self.seed)
