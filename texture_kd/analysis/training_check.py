"""What the first iterations of a training show of its parts."""

import copy
import math
import resource
import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, NamedTuple

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from mmrazor.models.algorithms import BaseAlgorithm
from mmrazor.models.task_modules.recorder.base_recorder import BaseRecorder
from torch import Tensor, nn

from texture_kd.algorithms.softmax_losses import of_softmax
from texture_kd.algorithms.texture_distill import RANDOM_TEACHER
from texture_kd.analysis.feature_grids import cells_apart
from texture_kd.analysis.mmseg_losses import (
    learns_each_class_alone,
    loss_faults,
    refuse_unweighted,
)
from texture_kd.analysis.sentences import PROBLEMS, sentence
from texture_kd.analysis.setup_notes import (
    missing_hooks,
    overruled_preparation,
)
from texture_kd.datasets.label_files import label_file_with_palette
from texture_kd.faults import ALSO
from texture_kd.hooks import TextureVisualizationHook
from texture_kd.recorders import ValidAreaRecorder

_TASK, _DISTILLED = "the student's own losses", "distill."
_ITERATIONS = 2


class Enough(Exception):
    """Ends a training that was only to be looked at."""


class Loss(NamedTuple):
    """A loss in the first iteration.

    Attributes:
        value: what is added to the training's loss.
        gradient: norm of its gradient at the student's parameters.
    """

    value: float
    gradient: float


class TrainingCheck(Hook):
    """Looks at the parts of a training in its first iteration, and times the second.

    Then it asks where in the image cells of features look, validates two batches, draws
    what a TextureVisualizationHook would, and raises :class:`Enough`, so that loops,
    schedules and other hooks have the lengths that the training has.
    """

    def __init__(self) -> None:
        self.stage = "building the training"
        self.done = 0
        self.records: dict[tuple[str, str], str] = {}
        self.connected: dict[str, str] = {}
        self.losses: dict[str, Loss] = {}
        self.setup: list[str] = []
        self.apart: list[str] = []
        self.of_labels: list[str] = []
        self.refused: list[str] = []
        self.validated = 0

    def before_train(self, runner: Runner) -> None:
        """Watch the distiller and the losses."""
        self.model = runner.model
        self.distiller = getattr(self.model, "distiller", None)
        self.scale = _loss_scale(runner.optim_wrapper)
        if isinstance(self.model, BaseAlgorithm):
            self.setup = missing_hooks(runner.hooks) + overruled_preparation(
                self.model.data_preprocessor, self.model.architecture.data_preprocessor
            )
        if hasattr(self.model, "teacher"):
            self.teacher = self._teachers_weights(runner)
        if self.distiller is not None:
            self._watch_distiller()
        summed = self.model.parse_losses

        def parse_losses(losses: dict) -> Any:
            if self.refused:
                raise ValueError(ALSO.join(self.refused))
            if not self.losses:
                self.losses = self._measured(losses)
            return summed(losses)

        self.model.parse_losses = parse_losses

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Start the clock."""
        self.stage = f"iteration {self.done + 1}"
        if self.done == 0:
            self._look_at_labels(runner.train_dataloader.dataset, data_batch)
        self.batch_size = len(data_batch["inputs"])
        self.device = next(self.model.parameters()).device
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        self.started = self._now()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Stop the clock, whose last time counts, and end the training."""
        self.seconds = self._now() - self.started
        self.memory = self._peak()
        self.iterations = runner.max_iters
        self.done += 1
        if self.done < _ITERATIONS:
            return
        if self.distiller is not None and hasattr(self.model, "teacher"):
            self.stage = "comparing the networks' features"
            self._compare_features()
        self.stage = "validation"
        if runner.val_loop is not None:
            self._validate(runner)
        self.stage = "drawing"
        for hook in runner.hooks:
            if isinstance(hook, TextureVisualizationHook):
                hook.draw(runner)
        raise Enough

    def table(self) -> str:
        """Return what was seen as a Markdown table, in columns."""
        rows = [("part", "what", "seen"), ("---",) * 3, *self._rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows
        )

    def notes(self) -> list[str]:
        """Return sentences on what the config lacks, trains nothing or is apart."""
        read = self._read()
        unused = [
            f"the {side}'s recorder {name} is read by no loss"
            for side, name in self.records
            if (side, name) not in read
        ]
        idle = [
            f"no gradient of {name} reaches the student"
            for name, loss in self.losses.items()
            if loss.gradient == 0
        ]
        random = getattr(self.model, "teacher_is_random", False)
        notes = [RANDOM_TEACHER] * random + self.setup + unused + idle
        return notes + self.apart + self.of_labels

    def not_finite(self) -> list[str]:
        """Return the names of losses that are infinite or NaN, as are their slopes.

        Slopes that a loss scale makes infinite are not: the scale will fall.
        """
        return [
            name
            for name, loss in self.losses.items()
            if not math.isfinite(loss.value)
            or (self.scale == 1 and not math.isfinite(loss.gradient))
        ]

    def _teachers_weights(self, runner: Runner) -> str:
        """Say where the teacher has its weights from."""
        checkpoint = runner.cfg.model.get("teacher_ckpt")
        if checkpoint is not None:
            return f"of {checkpoint}"
        random = getattr(self.model, "teacher_is_random", False)
        return "random, teacher_ckpt is None" if random else "its own"

    def _look_at_labels(self, dataset: Any, batch: dict) -> None:
        path = label_file_with_palette(dataset)
        if path is not None:
            self.of_labels.append(
                f"label files have a palette, such as {path}: the index of each pixel "
                "is its class, whatever the colours are"
            )
        # As the losses get them, padding included.
        prepared = self.model.data_preprocessor(copy.deepcopy(batch), training=True)
        samples = prepared.get("data_samples") or ()
        maps = [getattr(sample, "gt_sem_seg", None) for sample in samples]
        if maps and None not in maps:
            labels = torch.cat([item.data.flatten() for item in maps])
            network = getattr(self.model, "student", self.model)
            refuse_unweighted(network, labels)
            self.of_labels += loss_faults(network, labels)
            self.of_labels += self._of_sigmoids(network)

    def _of_sigmoids(self, network: nn.Module) -> list[str]:
        if not learns_each_class_alone(network):
            return []
        losses = getattr(self.distiller, "distill_losses", {})
        return [
            f"{name} ({type(loss).__name__}) compares softmax distributions, and the "
            "student's decode head learns each class by a sigmoid of its own "
            "(use_sigmoid=True): take CWDLoss, or leave use_sigmoid out"
            for name, loss in losses.items()
            if of_softmax(loss)
        ]

    def _compare_features(self) -> None:
        self.model.eval()
        self.apart = cells_apart(
            self.model.student, self.model.teacher, self.distiller, self.image
        )

    def _validate(self, runner: Runner) -> None:
        self.model.eval()
        loop = runner.val_loop
        for index, batch in zip(range(_ITERATIONS), loop.dataloader, strict=False):
            loop.run_iter(index, batch)
            self.validated += len(batch["inputs"])
        loop.evaluator.evaluate(self.validated)

    def _watch_distiller(self) -> None:
        compute = self.distiller.compute_distill_losses

        recorders = {
            (side, name): recorder
            for side in ("student", "teacher")
            for name, recorder in getattr(
                self.distiller, f"{side}_recorders"
            ).recorders.items()
        }
        self.records = dict.fromkeys(recorders, "after all losses")

        def compute_distill_losses() -> dict:
            for key, recorder in recorders.items():
                # Some losses are computed early, and their records given up.
                if recorder.data_buffer:
                    self.records[key] = _recorded(recorder)
            return compute()

        def note_size(module: nn.Module, given: tuple) -> None:
            self.image = tuple(given[0].shape[1:])
            handle.remove()

        for name, loss in self.distiller.distill_losses.items():
            for method in ("prepare", "forward"):
                if hasattr(loss, method):
                    setattr(loss, method, self._guarded(name, getattr(loss, method)))
        handle = self.model.student.register_forward_pre_hook(note_size)
        self.distiller.compute_distill_losses = compute_distill_losses
        for name, connector in self.distiller.connectors.items():
            connector.register_forward_hook(self._connects(name))

    def _guarded(self, name: str, method: Callable) -> Callable:
        """Go on with the other losses when one refuses what it is given."""

        # What it is given is told by its signature.
        @wraps(method)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                return method(*args, **kwargs)
            except PROBLEMS as error:
                words = error if isinstance(error, ValueError) else sentence(error)
                said = f"{name}: {words}"
                if said not in self.refused:
                    self.refused.append(said)
                return torch.zeros((), device=self.device)

        return guarded

    def _connects(self, name: str) -> Callable:
        def note(module: nn.Module, given: tuple, made: Any) -> None:
            self.connected[name] = f"{_shapes(given)} to {_shapes(made)}"

        return note

    def _measured(self, losses: dict) -> dict[str, Loss]:
        summed = {
            name: _total(value) for name, value in losses.items() if "loss" in name
        }
        own = [v for name, v in summed.items() if not name.startswith(_DISTILLED)]
        if own and len(own) < len(summed):
            summed[_TASK] = sum(own)
        return {
            name: Loss(value.item(), self._gradient(value))
            for name, value in summed.items()
        }

    def _gradient(self, value: Tensor) -> float:
        if not value.requires_grad:
            return 0.0
        # Not torch.autograd.grad, which checkpointed activations refuse. What half
        # precision would lose is scaled as in the training.
        (value * self.scale).backward(retain_graph=True)
        student = getattr(self.model, "student", self.model)
        norms = [
            p.grad.float().norm() / self.scale
            for p in student.parameters()
            if p.grad is not None
        ]
        self.model.zero_grad(set_to_none=True)
        return torch.stack(norms).norm().item() if norms else 0.0

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        if hasattr(self.model, "teacher"):
            yield "teacher's weights", type(self.model.teacher).__name__, self.teacher
        for (side, name), shapes in self.records.items():
            recorder = getattr(self.distiller, f"{side}_recorders").recorders[name]
            what = f"{type(recorder).__name__} {recorder.source}"
            yield f"{side}'s recorder {name}", what, shapes
        for name, shapes in self.connected.items():
            kind = type(self.distiller.connectors[name]).__name__
            yield f"connector {name}", kind, shapes
        for name, loss in self.losses.items():
            yield name, self._kind(name), self._said(loss)
        yield "memory", f"of {self.batch_size} images", self.memory
        total = self.seconds * self.iterations
        yield (
            "time",
            f"of {self.iterations} iterations, without data and validations",
            f"{_duration(total)}, {self.seconds:.3f} s an iteration",
        )
        if self.validated:
            yield "validation", f"of {self.validated} images", "ends"

    def _kind(self, name: str) -> str:
        losses = getattr(self.distiller, "distill_losses", {})
        own = name.removeprefix(_DISTILLED)
        if own not in losses:
            return ""
        weight = getattr(losses[own], "loss_weight", None)
        kind = type(losses[own]).__name__
        return kind if weight is None else f"{kind}, loss_weight {weight:g}"

    def _said(self, loss: Loss) -> str:
        said = f"{loss.value:.4g}, gradient at the student {loss.gradient:.3g}"
        task = self.losses.get(_TASK)
        if task is None or task is loss or not task.gradient:
            return said
        return f"{said}, {loss.gradient / task.gradient:.2g} of its own losses'"

    def _read(self) -> set[tuple[str, str]]:
        sides = {True: "student", False: "teacher"}
        mappings = getattr(self.distiller, "loss_forward_mappings", {})
        return {
            (sides[bool(record["from_student"])], record["recorder"])
            for records in mappings.values()
            for record in records.values()
        }

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def _peak(self) -> str:
        if self.device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(self.device)
            return f"{peak / 2**20:.0f} MiB of the GPU"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return f"{peak / 2**10:.0f} MiB, the whole process"


def _total(value: Tensor | list[Tensor]) -> Tensor:
    """Add up a loss as MMEngine does."""
    parts = [value] if isinstance(value, Tensor) else value
    return sum(part.mean() for part in parts)


def _loss_scale(optimizer: OptimWrapper | OptimWrapperDict) -> float:
    """Return what mixed precision multiplies losses with."""
    if isinstance(optimizer, OptimWrapperDict):
        return max(_loss_scale(wrapper) for wrapper in optimizer.values())
    scaler = getattr(optimizer, "loss_scaler", None)
    return scaler.get_scale() if scaler is not None and scaler.is_enabled() else 1.0


def _recorded(recorder: BaseRecorder) -> str:
    """Describe what was recorded."""
    if isinstance(recorder, ValidAreaRecorder) and recorder.data_buffer == [None]:
        return "all valid"
    return _shapes(recorder.data_buffer)


def _shapes(value: Any) -> str:
    """Describe tensors, and what holds them."""
    if isinstance(value, Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        return f"{tuple(value.shape)} {kind}"
    if isinstance(value, list | tuple):
        held = [_shapes(item) for item in value]
        return held[0] if len(held) == 1 else f"[{'; '.join(held)}]"
    if value is None:
        return "None"
    return type(value).__name__


def _duration(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    if hours >= 48:
        return f"{hours / 24:.1f} days"
    return f"{hours:.1f} h" if hours >= 2 else f"{minutes:.1f} min"
