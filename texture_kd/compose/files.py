"""The files of a distillation: its config, and those of both networks alone."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from texture_kd.compose.configs import read_config, read_network, start_from_scratch
from texture_kd.compose.data import on_data
from texture_kd.compose.distillation import (
    Distillation,
    check_pair,
    distillation_model,
    distilled,
    trained_alone,
)
from texture_kd.compose.folders import completed_data
from texture_kd.compose.schedule import of_length
from texture_kd.compose.text import config_text

__all__ = ["Wanted", "composed"]


class Wanted(NamedTuple):
    """What is to be composed.

    Attributes:
        student: name of the config of the student's training.
        teacher: the same of the teacher.
        out: path of the distillation's config.
        method: name in :data:`texture_kd.recipes.METHODS`, or where a function
            like those is, ``package.module:function``.
        checkpoint: path or URL of the teacher's checkpoint; without it the teacher is
            to be trained by a config of its own.
        data: name of a config of the data that both are put on.
        student_stages: sources of the student's stages; by default they are found.
        teacher_stages: the same of the teacher.
        pretrained: whether networks start from the weights that their configs name.
        iterations: length of all trainings; by default the configs' own.
        options: of the method.
    """

    student: str
    teacher: str
    out: Path
    method: str = "texture"
    checkpoint: str | None = None
    data: str | None = None
    student_stages: Sequence[str] | None = None
    teacher_stages: Sequence[str] | None = None
    pretrained: bool = True
    iterations: int | None = None
    options: Mapping[str, Any] = {}

    def beside(self, network: str) -> Path:
        """Return the path of the config of a network alone."""
        return self.out.with_name(f"{self.out.stem}_{network}.py")

    def check_paths(self) -> None:
        """Refuse to write over what is read, and to name a checkpoint that is not.

        Raises:
            FileNotFoundError: the checkpoint is a path, and there is no such file.
            ValueError: a config that is given would be one of those that are written.
        """
        path = self.checkpoint
        if path and "://" not in path and not Path(path).expanduser().is_file():
            raise FileNotFoundError(
                f"the teacher's checkpoint {path} does not exist: give the path or URL "
                "of one, or none, and a config of the teacher's training is written"
            )
        written = {self.out, self.beside("student"), self.beside("teacher")}
        for name in filter(None, (self.student, self.teacher, self.data)):
            if Path(name).resolve() in {path.resolve() for path in written}:
                raise ValueError(
                    f"{name} would be written over by what is made of it: give --out "
                    "another name"
                )


def composed(wanted: Wanted, command: str) -> tuple[Distillation, dict[Path, str]]:
    """Compose a distillation.

    Args:
        wanted: what of.
        command: that asked for it, for the files' headers.

    Returns:
        The distillation, and the texts of the files by their paths: the config of the
        distillation, that of the student alone, and where there is no checkpoint that
        of the teacher alone.

    Raises:
        FileNotFoundError: there is no such config.
        ValueError: the two do not fit together, or the method does not fit them.
    """
    wanted.check_paths()
    student, teacher = read_network(wanted.student), read_network(wanted.teacher)
    if wanted.data:
        data = completed_data(read_config(wanted.data))
        _check_loaders(data, student)
        student, teacher = on_data(student, data), on_data(teacher, data)
    if wanted.iterations is not None:
        student = of_length(student, wanted.iterations)
        teacher = of_length(teacher, wanted.iterations)
    check_pair(student, teacher)
    if not wanted.pretrained:
        for config in (student, teacher):
            start_from_scratch(config.model)
    made = distillation_model(
        student.model.to_dict(),
        teacher.model.to_dict(),
        wanted.method,
        wanted.checkpoint or _last_checkpoint(teacher, wanted.beside("teacher")),
        wanted.student_stages,
        wanted.teacher_stages,
        **wanted.options,
    )
    student.model = made.model["architecture"]
    header = _header(wanted, student, made, command)
    files = {wanted.out: config_text(distilled(student, made), header)}
    alone = {"student": student} | ({} if wanted.checkpoint else {"teacher": teacher})
    for side, config in alone.items():
        path = wanted.beside(side)
        title = f"The {side} of {wanted.out.name} alone.\n\n  {_train(path)}\n\n"
        files[path] = config_text(trained_alone(config), f"{title}Written by {command}")
    return made, files


def _check_loaders(data: Config, training: Config) -> None:
    """Refuse to validate on the data of before."""
    for name in ("val_dataloader", "test_dataloader"):
        if training.get(name) and name not in data:
            raise ValueError(
                f"the data's config has no {name}, and the student's own is of other "
                f"data: give it one, or say {name}, its loop and metric as None"
            )


def _last_checkpoint(config: Config, path: Path) -> str:
    """Return where a training of the config leaves its last checkpoint."""
    loop = config.get("train_cfg") or {}
    if not {"max_iters", "max_epochs"} & loop.keys():
        raise ValueError(
            "a training says no length: give its config a train_cfg with max_iters or "
            "max_epochs"
        )
    last = (
        f"iter_{loop['max_iters']}"
        if "max_iters" in loop
        else f"epoch_{loop['max_epochs']}"
    )
    return f"work_dirs/{path.stem}/{last}.pth"


def _header(wanted: Wanted, student: Config, made: Distillation, command: str) -> str:
    alone = wanted.beside("student")
    final = _last_checkpoint(student, wanted.out)
    trainings = [
        *([] if wanted.checkpoint else [_train(wanted.beside("teacher"))]),
        _train(wanted.out),
        f"{_train(alone)}  # the control",
    ]
    test = ["mim", "test", "mmseg", str(alone), "--checkpoint", final]
    return "\n".join(
        [
            f"{wanted.teacher} teaches {wanted.student} by {wanted.method}"
            + (f", on {wanted.data}." if wanted.data else "."),
            "",
            *(f"  {line}" for line in trainings),
            f"  {shlex.join(test)}",
            "",
            *(f"Note: {note}." for note in made.notes),
            f"Written by {command}",
        ]
    )


def _train(path: Path) -> str:
    return shlex.join(["mim", "train", "mmrazor", str(path)])
