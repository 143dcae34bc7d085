"""Distillation in a training loop of one's own, of any two networks."""

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from texture_kd.early_losses import EarlyLosses, gradients_are_known
from texture_kd.example_shapes import example_shapes
from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.recipes.method import Method, method_terms, reads_stages
from texture_kd.stage_records import StageRecords
from texture_kd.stages import Logits, Stages, has_modules, network_logits, stage_names

__all__ = ["Distiller"]


class Distiller(nn.Module):
    """Run a student beside its frozen teacher, and compare what both make of an image.

    Called on images it returns what the student returns, and the losses of the method,
    scalars with their weights, to be added to the student's own::

        distiller = Distiller(student, teacher, "texture", example=images[:1])
        optimizer = AdamW([*student.parameters(), *distiller.parameters()])
        prediction, losses = distiller(images)
        (F.cross_entropy(prediction, labels) + sum(losses.values())).backward()

    Its parameters are those of the losses alone, such as the 1x1 convolutions that
    bring the student's channels to the teacher's. Neither network is a submodule: the
    student is saved, moved and wrapped as it is without a teacher, and the teacher has
    to be on the student's device. The teacher is in eval mode, has no gradient, and
    runs no further than to what is compared.

    A loss is computed as soon as the student has run what it compares, its gradient
    with it, so that early features cost no memory where the step takes most; under
    float16, whose gradients a scaler has to scale, it is computed last. There are no
    second derivatives.

    Several processes: wrap the student first, and then the distiller, if it has
    parameters, which have to agree, too: ``DDP(Distiller(DDP(student), ...))``. Compile
    a network after the distiller is made, or before it has run: a graph has the hooks
    that it met.

    Attributes:
        terms: the losses, by name.
        parts: what the losses were made of in the last step, before their weights, as
            ``NAME.PART``, for the log.

    Args:
        student: the network that learns.
        teacher: the network that it learns from, with its weights.
        method: a name in :data:`texture_kd.recipes.METHODS`, a function like those, or
            the terms, by name.
        example: images (N, C, H, W) as the networks take them, on their device. Both
            run once on them, in eval mode, for their channels and sizes.
        student_stages: names of the modules, as ``named_modules`` has them, whose
            outputs (N, C, H, W) are compared, from the first; or of one module that
            returns all of them. By default what is found of ``layer1`` to ``layer4``,
            ``stages.0`` to ``stages.3`` and the like; no stages where the method
            compares logits alone.
        teacher_stages: the same of the teacher, and as many; by default the student's
            names where it has them.
        student_logits: where the logits are in what the student returns: a key or an
            attribute, or a function of it. By default a tensor is itself, and of a
            dict, an object or a tuple ``logits``, ``out`` or the first item is taken.
        teacher_logits: the same of the teacher.
        **options: of the method.

    Raises:
        ValueError: the method, an option or a stage is unknown, a stage gives no
            feature or one that looks like (N, H, W, C), a term lacks an argument of its
            loss, or the networks do not fit the method; the message names it and what
            there is.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher: nn.Module,
        method: Method = "texture",
        *,
        example: Tensor,
        student_stages: str | Sequence[str] | None = None,
        teacher_stages: str | Sequence[str] | None = None,
        student_logits: Logits = None,
        teacher_logits: Logits = None,
        **options: Any,
    ) -> None:
        super().__init__()
        alone = not reads_stages(method)
        if alone:
            student_stages, teacher_stages = student_stages or (), teacher_stages or ()
        ours = stage_names("student", student, student_stages)
        if teacher_stages is None and has_modules(teacher, ours):
            teacher_stages = ours
        theirs = stage_names("teacher", teacher, teacher_stages)
        if alone:
            ours = theirs = ()
        # In tuples, since the networks are no submodules.
        self._sides = (
            Stages("student", student, ours),
            Stages("teacher", teacher, theirs),
        )
        self._logits = student_logits, teacher_logits
        shapes = [
            example_shapes(*side, example)
            for side in zip(self._sides, self._logits, strict=True)
        ]
        counts = [len(shape.stages) for shape in shapes]
        if counts[0] != counts[1]:
            raise ValueError(
                f"expected as many stages of both networks, got {counts[0]} of the "
                f"student, {ours}, and {counts[1]} of the teacher, {theirs}"
            )
        terms = method_terms(method, *shapes, options)
        # What is built beside the student must not change what is drawn for it.
        with torch.random.fork_rng(devices=[]):
            self.terms = nn.ModuleDict({x: term.build() for x, term in terms.items()})
        self.terms.to(example.device)
        for loss in self.terms.values():
            if isinstance(loss, DistillationLoss):
                loss.attach_teacher(teacher)
        self._arguments = {name: dict(term.arguments) for name, term in terms.items()}
        self.parts: dict[str, Tensor] = {}

    def forward(
        self,
        images: Tensor,
        valid: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> tuple[Any, dict[str, Tensor]]:
        """Run both networks.

        Args:
            images: (N, C, H, W), as both networks take them.
            valid: booleans (N, H, W) or (N, 1, H, W), false for what images are padded
                by; all is valid by default.
            labels: integers (N, H, W) or (N, 1, H, W), for methods that look at them.

        Returns:
            What the student returns, and the losses by name.

        Raises:
            ValueError: a network gave no features or logits where it has to, or
                features that it changes in place or computes without gradient.

        Warns:
            UserWarning: all that leads to what a loss compares of the student is
                frozen, so that it learns nothing of it.
        """
        known = dict(images=images, valid=_maps(valid), labels=_maps(labels))
        records = StageRecords(self.terms, self._arguments, *self._sides, known)
        try:
            prediction, losses = self._run(images, records)
        finally:
            for side in self._sides:
                side.forget()
        self.parts = {
            f"{name}.{part}": value
            for name, loss in self.terms.items()
            if isinstance(loss, DistillationLoss)
            for part, value in loss.parts.items()
        }
        return prediction, losses

    def _run(
        self, images: Tensor, records: StageRecords
    ) -> tuple[Any, dict[str, Tensor]]:
        """Run both networks; return what the student returns, and the losses."""
        self._run_teacher(images, records)
        early = gradients_are_known(images.device)
        losses = EarlyLosses(self.terms, records, early)
        losses.prepare()
        student = self._sides[0]
        with student.recorded(losses.compute_ready if early else None):
            prediction = student.network(images)
        if records.needs("student.logits"):
            logits = network_logits("student", prediction, self._logits[0])
            records.known["student.logits"] = logits
        if torch.is_grad_enabled():
            _warn_of_frozen(records)
        return prediction, losses.finish()

    def _run_teacher(self, images: Tensor, records: StageRecords) -> None:
        teacher = self._sides[1]
        teacher.network.eval()
        whole = records.needs("teacher.logits")
        with torch.no_grad(), teacher.recorded(stop=not whole):
            output = teacher.network(images)
        if whole:
            logits = network_logits("teacher", output, self._logits[1])
            records.known["teacher.logits"] = logits


def _maps(x: Tensor | None) -> Tensor | None:
    """Return (N, H, W) as (N, 1, H, W), which is what losses are given."""
    return x[:, None] if x is not None and x.ndim == 3 else x


def _warn_of_frozen(records: StageRecords) -> None:
    """Name what losses compare to no avail, since no gradient leads from there."""
    for name, modules in records.frozen().items():
        warnings.warn(
            f"the term {name!r} teaches the student nothing: all that leads to "
            f"{modules} is frozen; let parameters on the way there have a gradient, or "
            "compare a later stage",
            stacklevel=6,
        )
