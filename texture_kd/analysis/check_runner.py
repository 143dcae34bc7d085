"""A runner that tries a training for two iterations and says what it saw."""

import copy
import os
import pickle
import re
import tempfile
import traceback
from pathlib import Path

import cv2
from mmengine.config import Config
from mmengine.runner import Runner
from torch import nn

from texture_kd.algorithms.faults import ALSO
from texture_kd.analysis.training_check import Enough, TrainingCheck
from texture_kd.analysis.unknown_types import unknown_types
from texture_kd.hooks.ignored_label import check_ignored_label
from texture_kd.hooks.trained_network import decode_head

# Whatever a config, its data or its networks can make OpenMMLab raise.
PROBLEMS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    cv2.error,
    pickle.UnpicklingError,
)

# Of each fault.
_LONGEST = 1500

# What functions of OpenMMLab mean that say something else.
_MEANT = {
    "_serialize_data": "a data set has no images: look at its data_root, data_prefix, "
    "img_suffix and ann_file"
}


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


def sentence(error: BaseException) -> str:
    """Say in one sentence what an exception says, and where it was raised."""
    said = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    if said.startswith("Caught ") and "worker process" in said:
        return _of_a_worker(said)
    said = " ".join(said.split("\n\n")[0].split())
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return f"{type(error).__name__}: {_short(said)}"
    last = frames[-1]
    said = _MEANT.get(last.name) or said or last.line
    place = _place(last.filename, last.lineno)
    return f"{type(error).__name__}: {_short(said)} ({place})"


def _short(said: str) -> str:
    """Keep the beginning and the end of each fault that is more than a sentence.

    A config in the words of an error has kilobytes.
    """
    return ALSO.join(
        fault
        if len(fault) <= _LONGEST
        else f"{fault[: _LONGEST * 2 // 3]} ... {fault[-_LONGEST // 3 :]}"
        for fault in said.split(ALSO)
    )


def _of_a_worker(said: str) -> str:
    """Say the last of what a data loader's worker printed, traceback and all."""
    frames = re.findall(r'File "([^"]+)", line (\d+)', said)
    lines = [line for line in said.splitlines() if line and not line.startswith(" ")]
    return f"{_short(lines[-1])} ({_place(*frames[-1])})"


def _place(filename: str, line: int | str | None) -> str:
    return f"{'/'.join(Path(filename).parts[-3:])}, line {line}"


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
