"""The distillation algorithm: MMRazor's, with a deterministic and lean teacher."""

import contextlib
import copy
import logging
import pickle
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Literal

import torch
from mmengine.logging import print_log
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS
from mmengine.structures import BaseDataElement
from mmrazor.models.algorithms import SingleTeacherDistill
from mmrazor.models.utils import add_prefix
from torch import Tensor, nn

from texture_kd.algorithms.built_network import tried_network
from texture_kd.algorithms.distiller_checks import check_same_normalisation
from texture_kd.algorithms.distiller_records import DistillerRecords, is_stock
from texture_kd.algorithms.label_sizes import check_label_sizes
from texture_kd.algorithms.plain_distiller import plain_distiller
from texture_kd.algorithms.sound_distiller import sound_distiller
from texture_kd.algorithms.sound_records import check_recorded, sound_records
from texture_kd.algorithms.student_optimizer import distillation_optim_wrapper
from texture_kd.algorithms.teacher_checkpoint import load_teacher
from texture_kd.algorithms.teacher_depth import until_recorded
from texture_kd.algorithms.teacherless_state import (
    complete_state_dict,
    leave_teacher_out,
)
from texture_kd.early_losses import EarlyLosses, gradients_are_known
from texture_kd.faults import Faults
from texture_kd.losses import DistillationLoss

__all__ = ["RANDOM_TEACHER", "TextureDistill"]

RANDOM_TEACHER = (
    "The teacher has no teacher_ckpt, and nothing else has loaded its weights: a "
    "RANDOM network teaches. Set model.teacher_ckpt to the checkpoint of its training."
)


class TextureDistill(SingleTeacherDistill):
    """Distil a frozen teacher into a student, with MMRazor's own distiller.

    It takes the same recorders, connectors, deliveries and losses as MMRazor's
    ``SingleTeacherDistill`` and differs in what happens around them:

    - The teacher is in eval mode as a whole, dropout included, so that two passes over
      an image are bit-identical. It runs no further than to the last thing that is
      recorded of it: neither auxiliary head, nor losses, nor upsampling to full size;
      and not at all once MMRazor's ``StopDistillHook`` has stopped the distillation.
    - Randomness is spent as plain MMSegmentation spends it. With every distillation
      weight at zero the student trains exactly as it does alone with the same seed.
    - The teacher stays out of the state dict, and a plain student's checkpoint can be
      loaded as a start. With ``PlainStudentHook`` the checkpoints of a run load in
      plain MMSegmentation as they are.
    - A loss is computed as soon as the student has run what it compares, its gradient
      with it, and what was recorded for it is released: early features cost no memory
      where the step takes most. Under float16, whose gradients have to be scaled, the
      losses come last.
    - A loss that is a :class:`~texture_kd.losses.DistillationLoss` is given the
      teacher when the model is built, may prepare before the student runs, so that no
      GPU is waited for in the middle of that, and has its parts in the log.
    - Losses with an ``ignore_index`` that their config does not write take that of the
      student's decode head, and those with ``image_channels`` the student's.
    - A recorder, connector, option or loss argument that does not exist, what a
      constructor refuses, and a teacher checkpoint that does not fit, are errors when
      the model is built, in one message with the name of each. What a config sets to
      None is left out: a loss with its arguments, a recorder, connector or delivery.
    - A constructor of optimisers is given the student, as in its own training.
    - Copies share the teacher, so that averaged weights do not hold a second one.

    The teacher is called with ``mode='tensor'``: recorders and deliveries see what its
    backbone and ``decode_head.forward`` run, and heads whose ``forward`` needs the data
    samples (MaskFormer) cannot teach. Where functions are recorded or delivered, or a
    record is counted from behind, all of that runs, and so it does when compiled.

    Args:
        architecture: config of the student, or the built student. A config may be
            ``cfg_path="mmseg::..."``, with options that change what that has.
        teacher: config of the teacher, or the built teacher, likewise.
        distiller: config of MMRazor's ``ConfigurableDistiller``. Types may be names or
            classes.
        teacher_ckpt: path or URL of the teacher's checkpoint. It is read with
            ``weights_only=True`` and has to fit. Without it a teacher that nothing else
            loads is random, which training warns of.
        teacher_dtype: run the teacher under autocast in this dtype. None leaves it to
            the training's own precision.
        save_teacher: whether checkpoints hold the teacher although ``teacher_ckpt``
            brings it back. Without ``teacher_ckpt`` they always do.
        **kwargs: ``student_trainable``, ``calculate_student_loss``, ``init_cfg``,
            ``data_preprocessor``, ``module_inplace`` and ``teacher_module_inplace`` as
            in ``SingleTeacherDistill``; its ``teacher_trainable`` and
            ``teacher_norm_eval`` have no meaning here.

    Raises:
        ValueError: the distiller's config, the two networks or the checkpoint do not
            fit together; the message names each item. The errors below are those of a
            checkpoint with which nothing else is wrong.
        FileNotFoundError: there is no such checkpoint.
        RuntimeError: the checkpoint is truncated or not a checkpoint.
        pickle.UnpicklingError: the checkpoint holds code.
    """

    def __init__(
        self,
        architecture: dict | BaseModel,
        teacher: dict | BaseModel,
        distiller: dict,
        teacher_ckpt: str | None = None,
        teacher_dtype: Literal["float16", "bfloat16"] | None = None,
        save_teacher: bool = False,
        **kwargs,
    ) -> None:
        faults = Faults(OSError, RuntimeError, pickle.UnpicklingError)
        with faults:
            _check_dtype(teacher_dtype)
        with faults:
            _refuse_training_options(kwargs)
        # MMSegmentation's init_model says so of any model.
        for name in ("pretrained", "train_cfg"):
            if name in kwargs and kwargs[name] is None:
                del kwargs[name]
        student = tried_network("model.architecture", architecture, faults)
        known = _has_weights(teacher)
        # What is built beside the student must not change the student's own start.
        with torch.random.fork_rng(devices=[]):
            teacher = tried_network("model.teacher", teacher, faults)
            with faults:
                distiller = plain_distiller(distiller)
                distiller = sound_distiller(distiller, student, teacher, faults)
            preparation = kwargs.pop("data_preprocessor", None)
            with faults.of("model.data_preprocessor"):
                preparation = _preparation(preparation, student)
            if teacher is not None and teacher_ckpt is not None:
                with faults:
                    load_teacher(teacher, teacher_ckpt)
                teacher._is_init = True
            if student is not None and teacher is not None:
                with faults:
                    check_same_normalisation(preparation, teacher)
            faults.refuse()
            super().__init__(
                architecture=student,
                teacher=teacher,
                distiller=distiller,
                data_preprocessor=preparation,
                **kwargs,
            )
            self._attach_teacher()
        self.teacher_dtype = teacher_dtype and getattr(torch, teacher_dtype)
        self.teacher.eval()
        self.save_teacher = save_teacher or teacher_ckpt is None
        self.teacher_is_random = not known and teacher_ckpt is None
        self._warned = False
        self._register_state_dict_hook(leave_teacher_out)
        self._register_load_state_dict_pre_hook(complete_state_dict, with_module=True)

    def __deepcopy__(self, memo: dict) -> "TextureDistill":
        """Copy all but the teacher, which is shared, and recorded by the same.

        Averages of weights are copies of the algorithm, and MMEngine freezes what is in
        them. A critic learns, and so it is copied as the student is.
        """
        for shared in (self.teacher, self.distiller.teacher_recorders):
            memo[id(shared)] = shared
        copied = memo[id(self)] = self.__class__.__new__(self.__class__)
        copied.__setstate__(copy.deepcopy(self.__dict__, memo))
        return copied

    def named_parameters(self, *args, **kwargs) -> Iterator[tuple[str, nn.Parameter]]:
        """Name all parameters but the teacher's, which nothing trains or averages."""
        teacher = self._modules.get("teacher")
        frozen = {id(p) for p in teacher.parameters()} if teacher is not None else ()
        for name, parameter in super().named_parameters(*args, **kwargs):
            if id(parameter) not in frozen:
                yield name, parameter

    def build_optim_wrapper(self, build: Callable, config: Mapping) -> OptimWrapper:
        """Build the optimiser, by the student's own constructor if there is one.

        Args:
            build: MMEngine's ``build_optim_wrapper``.
            config: of the optimiser, or of several.
        """
        options = config.get("constructor") or config.get("paramwise_cfg")
        if "optimizer" not in config or not options:
            return build(self, config)
        return distillation_optim_wrapper(build, self.student, self.distiller, config)

    def init_weights(self) -> None:
        """Initialise the student as if it were alone, and all the rest beside it."""
        with torch.random.fork_rng(devices=[]):
            for module in (self.distiller, self.teacher):
                if not module.is_init:
                    module.init_weights()
        super().init_weights()

    def train(self, mode: bool = True) -> "TextureDistill":
        """Set the student's mode; the teacher stays in eval mode.

        A teacher without weights of its own is warned of here, when all is loaded that
        will be.
        """
        if mode and self.teacher_is_random and not self._warned:
            self._warned = True
            print_log(RANDOM_TEACHER, logger="current", level=logging.WARNING)
        super().train(mode)
        self.teacher.eval()
        return self

    def loss(
        self,
        batch_inputs: Tensor,
        data_samples: list[BaseDataElement] | None = None,
    ) -> dict[str, Tensor]:
        """Compute the student's losses and the distillation losses.

        Args:
            batch_inputs: preprocessed images, (N, 3, H, W).
            data_samples: what the student's loss compares with; of MMSegmentation N
                samples with ``gt_sem_seg``.

        Returns:
            The student's own losses under ``student.``, and those of the distiller
            under ``distill.``; MMEngine sums the ones with "loss" in their names. Of a
            loss with ``parts`` these are beside it, for the log.

        Raises:
            ValueError: labels are of another size than the images, or what is recorded
                was changed in place afterwards.
            RuntimeError: a recorder recorded nothing.
        """
        if isinstance(data_samples, list):
            check_label_sizes(batch_inputs, data_samples)
        try:
            if self.distillation_stopped:
                return self._run_student(batch_inputs, data_samples)
            self._run_teacher(batch_inputs, data_samples)
            losses, distilled = self._distil(batch_inputs, data_samples)
        finally:
            self._release_records()
        distilled.update(self._parts())
        return losses | add_prefix(distilled, "distill")

    def _attach_teacher(self) -> None:
        for loss in self.distiller.distill_losses.values():
            if isinstance(loss, DistillationLoss):
                loss.attach_teacher(self.teacher)

    def _distil(
        self, batch_inputs: Tensor, data_samples: list | None
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the student's own losses and the distiller's."""
        recorders = self.distiller.student_recorders
        learns = self.student_trainable and torch.is_grad_enabled()
        watch = sound_records("student", recorders, self.student, learns)
        if not is_stock(self.distiller):
            with watch:
                losses = self._run_student(batch_inputs, data_samples)
            return losses, _losses_of_its_own(self.distiller)
        records = DistillerRecords(self.distiller, self.student)
        early = self._can_be_early(batch_inputs.device)
        distilled = EarlyLosses(self._losses(), records, early)
        when_ran = distilled.compute_ready if early else None
        with watch, records.watched(distilled.prepare, when_ran):
            losses = self._run_student(batch_inputs, data_samples, records.released)
        return losses, distilled.finish()

    def _losses(self) -> dict[str, nn.Module]:
        losses = self.distiller.distill_losses
        return {name: losses[name] for name in self.distiller.loss_forward_mappings}

    def _can_be_early(self, device: torch.device) -> bool:
        return (
            self.student_trainable
            and gradients_are_known(device)
            and DistillerRecords.can_be_early(self.distiller)
        )

    def _run_teacher(self, batch_inputs: Tensor, data_samples: list | None) -> None:
        self.distiller.set_deliveries_override(False)
        recorders = self.distiller.teacher_recorders
        with (
            sound_records("teacher", recorders, self.teacher),
            recorders,
            self.distiller.deliveries,
            torch.no_grad(),
            self._teacher_autocast(batch_inputs.device),
            until_recorded(self.distiller, self.teacher),
        ):
            self.teacher(batch_inputs, data_samples, mode="tensor")
        check_recorded("teacher", recorders)

    def _teacher_autocast(self, device: torch.device):
        if self.teacher_dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(device.type, dtype=self.teacher_dtype)

    def _run_student(
        self,
        batch_inputs: Tensor,
        data_samples: list | None,
        released: Collection[str] = (),
    ) -> dict[str, Tensor]:
        self.distiller.set_deliveries_override(True)
        with (
            self.distiller.student_recorders,
            self.distiller.deliveries,
            torch.set_grad_enabled(self.student_trainable and torch.is_grad_enabled()),
        ):
            losses = self.student(batch_inputs, data_samples, mode="loss")
        check_recorded("student", self.distiller.student_recorders, released)
        return add_prefix(losses, "student") if self.calculate_student_loss else {}

    def _parts(self) -> dict[str, Tensor]:
        """Return what the losses are made of, under names that are not summed.

        These are before a loss's weight.
        """
        parts = {
            f"{name.replace('loss', 'part')}.{part}": value
            for name, loss in self.distiller.distill_losses.items()
            if isinstance(loss, DistillationLoss)
            for part, value in loss.parts.items()
        }
        for name in parts:
            if "loss" in name:
                raise ValueError(
                    f"the part {name!r} of a loss would be trained, since MMEngine "
                    "sums what has 'loss' in its name: call it otherwise"
                )
        return parts

    def _release_records(self) -> None:
        for manager in (
            self.distiller.student_recorders,
            self.distiller.teacher_recorders,
        ):
            for recorder in manager.recorders.values():
                recorder.reset_data_buffer()


def _preparation(
    own: dict | nn.Module | None, student: BaseModel | None
) -> nn.Module | None:
    """Return the data preprocessor, which is the student's if there is no other."""
    if own is None:
        return getattr(student, "data_preprocessor", None)
    return MODELS.build(own) if isinstance(own, dict) else own


def _has_weights(teacher: dict | BaseModel) -> bool:
    """Tell whether a teacher has weights of its own, not of its backbone alone."""
    if not isinstance(teacher, dict):
        return True
    # MMSegmentation's own `pretrained` is the backbone's.
    pretrained = teacher.get("pretrained") if "cfg_path" in teacher else None
    return bool(teacher.get("init_cfg") or pretrained)


# Not compiled, as others are not.
@torch.compiler.disable
def _losses_of_its_own(distiller: nn.Module) -> dict[str, Tensor]:
    return distiller.compute_distill_losses()


def _check_dtype(name: str | None) -> None:
    if name not in (None, "float16", "bfloat16"):
        raise ValueError(
            f"teacher_dtype is 'float16', 'bfloat16' or None, not {name!r}"
        )


def _refuse_training_options(options: dict) -> None:
    for name in ("teacher_trainable", "teacher_norm_eval"):
        if name in options:
            raise ValueError(
                f"TextureDistill has no {name}: its teacher is frozen and in eval "
                "mode. Remove the option, or use MMRazor's SingleTeacherDistill."
            )
