"""One training of the distillation benchmark: its command, its folder, its result."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from distill_log import read_figures
from distill_recipe import without_losses
from distill_suite import Row
from measure import write_whole

TRAIN = [sys.executable, str(Path(__file__).parents[1] / "train.py")]


class Key(NamedTuple):
    """Names a training: a row with a seed, perhaps at the student's cost."""

    row: str
    seed: int
    equal_cost: bool = False

    @property
    def which(self) -> str:
        """Which training of its row it is."""
        return f"seed {self.seed}" + " at equal cost" * self.equal_cost

    def folder(self, out: Path) -> Path:
        """Return the folder of the training within that of the benchmark."""
        return out / self.row / (f"seed{self.seed}" + "-equal-cost" * self.equal_cost)

    def __str__(self) -> str:
        return f"{self.row}, {self.which}"


class Result(NamedTuple):
    """What came out of a training.

    Attributes:
        iters: its iterations.
        score: the metric, in its unit, at the last of them.
        seconds: median cost of an iteration, of the CPU or of a GPU.
        memory: peak in MiB, None where it was not measured.
        wall: seconds that its last process ran, for estimates.
        others: other metrics by name.
    """

    iters: int
    score: float
    seconds: float
    memory: float | None
    wall: float
    others: Mapping[str, float] = MappingProxyType({})


Results = Mapping[Key, Result]


class Run(NamedTuple):
    """A training that is to be done.

    Attributes:
        key: its name.
        row: its row of the suite.
        teacher: the training of its teacher.
        out: folder of the benchmark.
        iters: its iterations.
        options: overrides of the config, but for checkpoints of other runs.
        metric: name of the score in its log.
        also: names of other metrics that are kept.
        settings: what its result belongs to.
    """

    key: Key
    row: Row
    teacher: Key
    out: Path
    iters: int
    options: list[str]
    metric: str
    also: tuple[str, ...]
    settings: dict[str, object]

    @property
    def folder(self) -> Path:
        """The folder where everything of it is written."""
        return self.key.folder(self.out)

    def command(self, resume: bool) -> list[str]:
        """Return the command that trains it."""
        options = list(self.options)
        if self.row.distilled:
            teacher = last_checkpoint(self.teacher.folder(self.out))
            options.append(f"model.teacher_ckpt={teacher}")
        for name, option in self.row.takes.items():
            checkpoint = last_checkpoint(Key(name, self.key.seed).folder(self.out))
            options.append(f"{option}={checkpoint}")
        command = [*TRAIN, str(self._config()), f"--work-dir={self.folder}"]
        command += ["--resume"] if resume else []
        return [*command, "--cfg-options", *options]

    def _config(self) -> Path:
        if not self.row.without:
            return self.row.config
        path = self.folder.parent / "config.py"
        write_whole(path, without_losses(self.row))
        return path


def load_result(run: Run) -> Result | None:
    """Return the result of a run, if it is finished."""
    content = _read(run.folder / "result.json")
    return content and Result(**content)


def differences(run: Run) -> str:
    """Say in what a run's folder differs from its settings; nothing if it fits."""
    content = read_settings(run.folder)
    if content is None:
        return ""
    return ", ".join(
        f"{name} was {content.get(name)!r}, now {value!r}"
        for name, value in run.settings.items()
        if content.get(name) != value
    )


def read_settings(folder: Path) -> dict | None:
    """Return what a training in a folder was started with, None if there is none."""
    return _read(folder / "settings.json")


def prepare(run: Run) -> int:
    """Make a run's folder ready for its training.

    Returns:
        The iteration that it goes on from; without a checkpoint it starts anew, at 0.
    """
    first = _resumed_from(run)
    if not first:
        shutil.rmtree(run.folder, ignore_errors=True)
        run.folder.mkdir(parents=True)
        write_whole(run.folder / "settings.json", json.dumps(run.settings, indent=2))
    return first


def finish(run: Run, memory: float | None, wall: float) -> Result:
    """Read and keep the result of a training that came to its end.

    Args:
        run: the run.
        memory: peak of its resident set in MiB, which counts if no GPU trained.
        wall: seconds that it took.

    Raises:
        ValueError: its log shows that it failed.
    """
    figures = read_figures(run.folder, run.iters, run.metric, run.also)
    memory = memory if figures.memory is None else figures.memory
    score, others, seconds, _ = figures
    result = Result(run.iters, score, seconds, memory, wall, others)
    write_whole(run.folder / "result.json", json.dumps(result._asdict(), indent=2))
    return result


def last_checkpoint(folder: Path) -> Path:
    """Return the newest checkpoint of a training, whose folder may have been moved."""
    return folder / Path((folder / "last_checkpoint").read_text(encoding="utf-8")).name


def _resumed_from(run: Run) -> int:
    if not (run.folder / "last_checkpoint").exists():
        return 0
    checkpoint = last_checkpoint(run.folder)
    if _iteration(checkpoint) == run.iters:
        # It was stopped in its validation, which MMEngine would not repeat: go on from
        # the checkpoint before.
        saved = [path for path in run.folder.glob("iter_*.pth") if path != checkpoint]
        if not saved:
            return 0
        checkpoint = max(saved, key=_iteration)
    # MMEngine resumes at the path that it wrote before the folder may have been moved.
    write_whole(run.folder / "last_checkpoint", str(checkpoint))
    return _iteration(checkpoint)


def _iteration(checkpoint: Path) -> int:
    return int(checkpoint.stem.removeprefix("iter_"))


def _read(path: Path) -> dict | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
