"""A runner that tries a training for two iterations and says what it saw."""

import copy
import os
import tempfile
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner
from torch import nn

from texture_kd.analysis.sentences import PROBLEMS, sentence
from texture_kd.analysis.training_check import Enough, TrainingCheck
from texture_kd.analysis.unknown_types import unknown_types
from texture_kd.hooks.ignored_label import check_ignored_label
from texture_kd.hooks.trained_network import decode_head


class CheckFailed(Exception):
    """A training cannot go on; the message says where and why."""


class CheckRunner(Runner):
    """Builds all that a training does, runs two iterations, and prints a table.

    Nothing is left behind: checkpoints, logs and what visualisation backends would send
    go nowhere. After the iterations two batches are validated, and what tests the
    network is built.
    """

    @classmethod
    def from_cfg(cls, cfg: Config) -> "CheckRunner":
        """Build a runner.

        Args:
            cfg: of the training.

        Raises:
            CheckFailed: it cannot be built.
        """
        if cfg.get("launcher", "none") != "none":
            raise CheckFailed("a check runs in a single process: leave --launcher out")
        _check_folder(cfg.work_dir)
        folder = tempfile.TemporaryDirectory()
        try:
            traceless = without_traces(cfg, folder.name)
            # MMEngine's name has seconds: two checks in one would share what is global.
            traceless.experiment_name = Path(folder.name).name
            runner = super().from_cfg(traceless)
        except PROBLEMS as error:
            folder.cleanup()
            raise _failed("building the training", error, cfg) from error
        runner.folder = folder
        runner.check = TrainingCheck()
        runner.register_hook(runner.check, priority="VERY_HIGH")
        return runner

    def train(self) -> nn.Module:
        """Train two iterations and print what was seen.

        Raises:
            CheckFailed: something goes wrong, or a loss is not finite.
        """
        try:
            self._try_training()
            self.check.stage = "building the test"
            _ = self.test_loop
            check_ignored_label(self, decode_head(self))
        except PROBLEMS as error:
            raise _failed(self.check.stage, error, self.cfg) from error
        finally:
            self.folder.cleanup()
        print(self.check.table())
        for note in self.check.notes():
            print(f"Note: {note}")
        broken = self.check.not_finite()
        if broken:
            raise CheckFailed(f"the first iteration: {', '.join(broken)} is not finite")
        return self.model

    def _try_training(self) -> None:
        try:
            super().train()
        except Enough:
            return
        raise ValueError("the training ends before its second iteration")


def without_traces(config: Config, folder: str) -> Config:
    """Return a training's config that leaves nothing behind.

    Args:
        config: of the training; it stays as it is.
        folder: for what cannot be helped.
    """
    # No Config of a dict, in which classes would be names.
    config = copy.deepcopy(config)
    config.work_dir = folder
    config.resume = False
    config.log_level = "ERROR"
    config.default_hooks = dict(config.get("default_hooks", {}), checkpoint=None)
    # Neither a picture nor a run on a server.
    config.visualizer = None
    for name in ("val_evaluator", "test_evaluator"):
        metrics = config.get(name) or []
        for metric in metrics if isinstance(metrics, list | tuple) else [metrics]:
            if "output_dir" in metric:
                metric["output_dir"] = folder
    return config


def _check_folder(path: str) -> None:
    """See to it that a folder can be made, and do not make it."""
    there = next(p for p in (Path(path), *Path(path).absolute().parents) if p.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise CheckFailed(
            f"the training could not write to its work_dir {path}: {there} is no "
            "folder that you may write to"
        )


def _failed(stage: str, error: BaseException, config: Config) -> CheckFailed:
    # Typing errors are the usual reason, and MMEngine's words for some do not say so.
    strange = (
        unknown_types(dict(config.items())) if stage.startswith("building") else []
    )
    hints = f" ({'; '.join(strange)})" if strange else ""
    return CheckFailed(f"{stage}: {sentence(error)}{hints}")
