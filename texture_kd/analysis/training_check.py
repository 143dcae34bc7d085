"""What the first iterations of a training show of its parts."""

import resource
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.runner import Runner
from mmrazor.models.algorithms import BaseAlgorithm

from texture_kd.algorithms.texture_distill import RANDOM_TEACHER
from texture_kd.analysis.clock import now
from texture_kd.analysis.described import Row, duration
from texture_kd.analysis.feature_grids import cells_apart
from texture_kd.analysis.first_labels import (
    palette_note,
    prepared_labels,
    sigmoid_notes,
)
from texture_kd.analysis.guarded_losses import GuardedLosses
from texture_kd.analysis.measured_losses import (
    DISTILLED,
    TASK,
    Loss,
    loss_scale,
    measured_losses,
    not_finite,
    said_of,
)
from texture_kd.analysis.mmseg_losses import head_losses, loss_faults, unweighted
from texture_kd.analysis.setup_notes import (
    missing_hooks,
    overruled_preparation,
)
from texture_kd.analysis.watched_distiller import WatchedDistiller
from texture_kd.faults import Faults

_ITERATIONS = 2


class Enough(Exception):
    """Ends a training that was only to be looked at."""


class TrainingCheck:
    """Looks at the parts of a training in its first iteration, and times the second.

    Then it asks where in the image cells of features look, and raises :class:`Enough`,
    so that loops, schedules and other hooks have the lengths that the training has. It
    is asked as a hook is, after all of them.

    Args:
        faults: where it is said what is wrong.

    Attributes:
        stage: what is done, for messages.
        done: iterations.
        losses: of the first iteration.
        seconds: of the last iteration.
    """

    def __init__(self, faults: Faults) -> None:
        self.stage = "building the training"
        self.done = 0
        self.losses: dict[str, Loss] = {}
        self.scale = 1.0
        self.watched: WatchedDistiller | None = None
        self._faults = faults
        self._setup: list[str] = []
        self._apart: list[str] = []
        self._of_labels: list[str] = []

    def before_train(self, runner: Runner) -> None:
        """Watch the distiller and the losses."""
        self.stage = "reading the first batch"
        self.model = model = runner.model
        self.network = getattr(model, "student", model)
        self.scale = loss_scale(runner.optim_wrapper)
        self.device = next(model.parameters()).device
        if isinstance(model, BaseAlgorithm):
            self._setup = missing_hooks(runner.hooks) + overruled_preparation(
                model.data_preprocessor, model.architecture.data_preprocessor
            )
        if hasattr(model, "teacher"):
            self.teacher = self._teachers_weights(runner)
        if hasattr(model, "distiller"):
            self.watched = WatchedDistiller(model)
        self.guarded = GuardedLosses(
            (
                *self._distilled().items(),
                *((where, loss) for where, _, loss in head_losses(self.network)),
            ),
            self.device,
        )
        summed = model.parse_losses

        def parse_losses(losses: dict) -> Any:
            if self.guarded.refused:
                self._faults.found += [
                    f"{self.stage}: {said}" for said in self.guarded.refused
                ]
                raise Enough
            if not self.losses:
                self.losses = measured_losses(model, losses, self.scale)
            return summed(losses)

        model.parse_losses = parse_losses

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Start the clock."""
        self.stage = f"iteration {self.done + 1}"
        if self.done == 0:
            self._look_at_labels(runner.train_dataloader.dataset, data_batch)
        self.batch_size = len(data_batch["inputs"])
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        self.started = now(self.device)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Stop the clock, whose last time counts, and end the training."""
        self.seconds = now(self.device) - self.started
        self.memory = self._peak()
        self.iterations = runner.max_iters
        self.done += 1
        if self.done < _ITERATIONS:
            return
        if self.watched is not None and hasattr(self.model, "teacher"):
            self.stage = "comparing the networks' features"
            self.model.eval()
            self._apart = cells_apart(
                self.model.student,
                self.model.teacher,
                self.model.distiller,
                self.watched.image,
            )
        raise Enough

    def finished(self) -> bool:
        """Tell whether all iterations have run."""
        return self.done == _ITERATIONS

    def rows(self) -> Iterator[Row]:
        """Return what was seen as rows of a table: part, what it is, and that."""
        if hasattr(self.model, "teacher"):
            yield "teacher's weights", type(self.model.teacher).__name__, self.teacher
        if self.watched is not None:
            yield from self.watched.rows()
        task = self.losses.get(TASK)
        for name, loss in self.losses.items():
            yield name, self._kind(name), said_of(loss, task)
        yield "memory", f"of {self.batch_size} images", self.memory
        yield (
            "time",
            f"of {self.iterations} iterations, without data and validations",
            f"{duration(self.seconds * self.iterations)}, {self.seconds:.3f} s an "
            "iteration",
        )

    def notes(self) -> list[str]:
        """Return sentences on what the config lacks, trains nothing or is apart."""
        unread = self.watched.unread() if self.watched is not None else []
        idle = [
            f"no gradient of {name} reaches the student"
            for name, loss in self.losses.items()
            if loss.gradient == 0
        ]
        random = getattr(self.model, "teacher_is_random", False)
        notes = [RANDOM_TEACHER] * random + self._setup + unread + idle
        return notes + self._apart + self._of_labels

    def not_finite(self) -> list[str]:
        """Return the names of losses that are infinite or NaN, as are their slopes."""
        return not_finite(self.losses, self.scale)

    def _teachers_weights(self, runner: Runner) -> str:
        """Say where the teacher has its weights from."""
        checkpoint = runner.cfg.model.get("teacher_ckpt")
        if checkpoint is not None:
            return f"of {checkpoint}"
        random = getattr(self.model, "teacher_is_random", False)
        return "random, teacher_ckpt is None" if random else "its own"

    def _look_at_labels(self, dataset: Any, batch: dict) -> None:
        self._of_labels = palette_note(dataset)
        labels = prepared_labels(self.model, batch)
        if labels is None:
            return
        for loss, said in unweighted(self.network, labels):
            self._faults.found.append(f"{self.stage}: {said}")
            # On a GPU it would end everything.
            loss.forward = lambda scores, *_, **__: scores.sum() * 0
        self._of_labels += loss_faults(self.network, labels)
        self._of_labels += sigmoid_notes(self.network, self._distilled())

    def _distilled(self) -> dict:
        return dict(
            getattr(getattr(self.model, "distiller", None), "distill_losses", {})
        )

    def _kind(self, name: str) -> str:
        own = self._distilled().get(name.removeprefix(DISTILLED))
        if own is None:
            return ""
        weight = getattr(own, "loss_weight", None)
        kind = type(own).__name__
        return kind if weight is None else f"{kind}, loss_weight {weight:g}"

    def _peak(self) -> str:
        if self.device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(self.device)
            return f"{peak / 2**20:.0f} MiB of the GPU"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return f"{peak / 2**10:.0f} MiB, the whole process"
