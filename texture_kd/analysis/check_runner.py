"""A runner that tries a training for two iterations and says what it saw."""

import os
import tempfile
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import nn

from texture_kd.analysis.described import markdown_table
from texture_kd.analysis.first_labels import ignore_unknown_labels
from texture_kd.analysis.forgiving_runner import ForgivingRunner
from texture_kd.analysis.sentences import sentence
from texture_kd.analysis.traceless_config import without_traces
from texture_kd.analysis.training_check import Enough, TrainingCheck
from texture_kd.analysis.tried_loop import TriedLoop, try_loop, validations
from texture_kd.analysis.unknown_types import unknown_types
from texture_kd.faults import ALSO, PROBLEMS
from texture_kd.hooks import NumClassesCheckHook, TextureVisualizationHook
from texture_kd.hooks.trained_network import trained_network

__all__ = ["CheckFailed", "CheckRunner"]


class CheckFailed(Exception):
    """A training cannot go on; each argument says where and why."""

    def __str__(self) -> str:
        return ALSO.join(self.args)


class CheckRunner(ForgivingRunner):
    """Builds all that a training does, runs two iterations, and prints a table.

    Nothing is left behind: checkpoints, logs and what visualisation backends would send
    go nowhere. After the iterations two batches are validated, and one is tested where
    the test is another. What is wrong with one part does not hide what is wrong with
    another: all of it is told in the end.
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
        _say("Building the networks")
        try:
            traceless = without_traces(cfg, folder.name)
            # MMEngine's name has seconds: two checks in one would share what is global.
            traceless.experiment_name = Path(folder.name).name
            runner = super().from_cfg(traceless)
        except PROBLEMS as error:
            folder.cleanup()
            said = f"building the training: {sentence(error)}"
            raise CheckFailed(*_with_hints([said], cfg)) from error
        runner.folder = folder
        runner.check = TrainingCheck(runner.faults)
        runner.tried = None
        if not any(isinstance(hook, NumClassesCheckHook) for hook in runner.hooks):
            runner.register_hook(NumClassesCheckHook())
        return runner

    def train(self) -> nn.Module:
        """Train two iterations and print what was seen.

        Raises:
            CheckFailed: something goes wrong, or a loss is not finite.
        """
        try:
            self._try_all()
        finally:
            self.folder.cleanup()
        self.faults.found += [
            f"the first iteration: {name} is not finite"
            for name in self.check.not_finite()
        ]
        if self.whole and self.check.finished():
            print(f"\n{markdown_table(self._rows())}")
            for note in self.check.notes():
                print(f"Note: {note}")
        if self.faults.found:
            raise CheckFailed(*_with_hints(self.faults.found, self.cfg))
        return self.model

    def call_hook(self, fn_name: str, **kwargs: Any) -> None:
        """Ask the hooks, and in a training then look at it."""
        super().call_hook(fn_name, **kwargs)
        if fn_name == "before_train_iter" and self.faults.found:
            ignore_unknown_labels(trained_network(self), kwargs["data_batch"])
        # What the check itself raises ends the training.
        if hasattr(self.check, fn_name):
            getattr(self.check, fn_name)(self, **kwargs)

    def _try_all(self) -> None:
        _say("Reading the data")
        self.build_loops()
        if not hasattr(self.model, "train_step"):
            self._look_at_data()
            return
        if self._train_loop is not None:
            self._try_training()
        self.tried = self._try_loop("validation", self.val_loop, 2)
        if self.tried is not None and self.whole:
            with self.faults.of("drawing"):
                self._draw()
        if any(
            self.cfg.get(f"test_{part}") != self.cfg.get(f"val_{part}")
            for part in ("dataloader", "evaluator")
        ):
            self._try_loop("test", self.test_loop, 1)

    def _try_training(self) -> None:
        _say(f"Training two iterations of {self.max_iters}")
        try:
            super().train()
        except Enough:
            return
        except PROBLEMS as error:
            self.faults.ran(self.check.stage, error)
            return
        self.faults.found.append(
            f"{self.check.stage}: the training ends before its second iteration"
        )

    def _look_at_data(self) -> None:
        """Say what data sets are by themselves, without a network."""
        if self._train_loop is not None:
            with self.faults.of(NumClassesCheckHook.__name__):
                NumClassesCheckHook().before_train(self)

    def _try_loop(self, stage: str, loop: Any, batches: int) -> TriedLoop | None:
        if loop is None:
            return None
        _say(f"Trying the {stage}")
        try:
            return try_loop(self.model, loop, batches)
        except PROBLEMS as error:
            self.faults.ran(stage, error)
        return None

    def _draw(self) -> None:
        for hook in self.hooks:
            if isinstance(hook, TextureVisualizationHook):
                hook.draw(self)

    def _rows(self) -> list[tuple[str, str, str]]:
        rows = [("part", "what", "seen"), *self.check.rows()]
        if self.tried is not None:
            rows.append(self.tried.row(validations(self.train_loop)))
        return rows


def _say(what: str) -> None:
    print(f"{what} ...", flush=True)


def _check_folder(path: str) -> None:
    """See to it that a folder can be made, and do not make it."""
    there = next(p for p in (Path(path), *Path(path).absolute().parents) if p.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise CheckFailed(
            f"the training could not write to its work_dir {path}: {there} is no "
            "folder that you may write to"
        )


def _with_hints(found: list[str], config: Config) -> list[str]:
    """Add types that are unknown to the last of the parts that could not be built.

    Typing errors are the usual reason, and MMEngine's words for some do not say so.
    """
    building = [i for i, said in enumerate(found) if said.startswith("building")]
    hints = unknown_types(dict(config.items())) if building else []
    if not hints:
        return found
    last = building[-1]
    return [
        *found[:last],
        f"{found[last]} ({'; '.join(hints)})",
        *found[last + 1 :],
    ]
