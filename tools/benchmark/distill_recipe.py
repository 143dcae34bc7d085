"""What the distillation benchmark knows and changes of a row's config."""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from distill_suite import Row, SuiteError, hint, read_config
from mmengine.config import Config, DictAction

# A loss stands in two places of a distiller's config.
LOSS_PLACES = ("distill_losses", "loss_forward_mappings")
LINES = 20
# What counts iterations in MMEngine's schedulers.
COUNTS = ("begin", "end", "step_size", "T_max", "total_steps", "milestones", "periods")
CRITIC = "CriticOptimWrapperConstructor"


class Recipe(NamedTuple):
    """What has to be known of a config.

    Attributes:
        iters: length of the training.
        given: overrides of the config, as they reach it.
        lengths: other options that count iterations, such as the end of a learning
            rate's schedule.
        log_interval: iterations from one line of the log to the next.
        contents: a hash that tells whether a config has changed.
    """

    iters: int
    given: list[str]
    lengths: dict[str, int | list[int]]
    log_interval: int
    contents: str

    def options(self, iters: int) -> list[str]:
        """Return the options that train ``iters`` iterations, everything in scale."""
        if iters == self.iters:
            return []
        options = {
            key: _scaled(length, iters / self.iters)
            for key, length in self.lengths.items()
        }
        options["train_cfg.max_iters"] = options["train_cfg.val_interval"] = iters
        # The time of an iteration is a median of the log's lines.
        interval = min(self.log_interval, max(1, iters // LINES))
        options["default_hooks.logger.interval"] = interval
        return [f"{key}={value}" for key, value in options.items()]


def read_recipe(row: Row, options: Sequence[str]) -> Recipe:
    """Read the recipe of a row.

    Args:
        row: the row.
        options: overrides of its config.

    Raises:
        SuiteError: the training is not counted in iterations, nothing of it takes the
            teacher's checkpoint or another row's, or a loss that is to be taken out is
            not there.
    """
    config = read_config(row.config)
    given = _routed(options, config, row)
    config.merge_from_dict(_parse(given))
    if row.distilled and "teacher_ckpt" not in config.get("model", {}):
        raise SuiteError(
            f"Row {row.name!r}: {row.config} is no distillation, since it has no "
            "model.teacher_ckpt. Only teacher, student and rows with alone=True have "
            "none."
        )
    _check_losses(row, config)
    _check_takes(row, config)
    iters = config.get("train_cfg", {}).get("max_iters")
    if iters is None:
        raise SuiteError(
            f"Row {row.name!r}: {row.config} has no train_cfg.max_iters; the benchmark "
            "needs a loop over iterations (IterBasedTrainLoop)."
        )
    schedulers = _schedulers("param_scheduler", config.get("param_scheduler") or [])
    lengths = {
        f"{place}.{key}": scheduler[key]
        for place, scheduler in schedulers.items()
        for key in COUNTS
        if scheduler.get(key)
    }
    hooks = config.get("default_hooks", {})
    # MMEngine's default, -1, saves at the end only, however long the training is.
    save = hooks.get("checkpoint", {}).get("interval", -1)
    if save > 0:
        lengths["default_hooks.checkpoint.interval"] = save
    log_interval = hooks.get("logger", {}).get("interval", 10)
    text = json.dumps(config.to_dict(), sort_keys=True, default=str)
    return Recipe(iters, given, lengths, log_interval, _hash(text.encode()))


def package_contents() -> str:
    """Return a hash that tells whether the code of texture_kd has changed.

    Raises:
        SuiteError: it is not installed.
    """
    # What trainings import is not always what lies beside this file.
    spec = find_spec("texture_kd")
    if spec is None:
        raise SuiteError("texture_kd is not installed: pip install -e . installs it.")
    folder = Path(spec.origin).parent
    parts = [
        part
        for file in sorted(folder.rglob("*.py"))
        for part in (str(file.relative_to(folder)).encode(), file.read_bytes())
    ]
    return _hash(b"\0".join(parts))


def without_losses(row: Row) -> str:
    """Return a config that is the row's, without the losses that it is to lack.

    A weight of zero would leave their cost, and no option takes out a part of a config.
    A critic's optimiser goes with the critic, and with the losses go recorders that no
    other reads: the teacher runs as far as it is recorded.
    """
    lines = [f"_base_ = [{str(row.config)!r}]"]
    for place in LOSS_PLACES:
        lines += [f"del _base_.model.distiller.{place}.{name}" for name in row.without]
    config = read_config(row.config)
    lines += [
        f"del _base_.model.distiller.{place}" for place in _unread(config, row.without)
    ]
    if _joint(config) and not _has_critic(config, row):
        lines.append(
            "optim_wrapper = dict(_delete_=True, **_base_.optim_wrapper.architecture)"
        )
    return "\n".join(lines) + "\n"


def _unread(config: Config, without: Sequence[str]) -> list[str]:
    """Find the recorders that no loss reads once some are taken out."""
    if "distiller" not in config.model:
        return []
    distiller = config.model.distiller
    sides = {True: "student_recorders", False: "teacher_recorders"}
    read = {
        (sides[record["from_student"]], record["recorder"])
        for loss, records in distiller.loss_forward_mappings.items()
        if loss not in without
        for record in records.values()
    }
    return [
        f"{side}.{name}"
        for side in sides.values()
        for name in distiller.get(side, {})
        if (side, name) not in read
    ]


def _routed(options: Sequence[str], config: Config, row: Row) -> list[str]:
    """Give options of the optimiser to the student's, where a critic has another."""
    if not (_joint(config) and _has_critic(config, row)):
        return list(options)
    theirs = ("architecture", "critic", "constructor")
    return [
        f"optim_wrapper.architecture.{option.removeprefix(prefix)}"
        if option.startswith(prefix := "optim_wrapper.")
        and not option.removeprefix(prefix).startswith(theirs)
        else option
        for option in options
    ]


def _joint(config: Config) -> bool:
    return CRITIC in str(config.get("optim_wrapper", {}).get("constructor"))


def _has_critic(config: Config, row: Row) -> bool:
    losses = config.get("model", {}).get("distiller", {}).get("distill_losses", {})
    return any(
        "AdversarialLoss" in str(loss["type"])
        for name, loss in losses.items()
        if loss and name not in row.without
    )


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _scaled(length: int | Sequence[int], factor: float) -> int | str:
    """Scale what counts iterations; lists as MMEngine's options have them."""
    if isinstance(length, int):
        return max(1, round(length * factor))
    return f"[{','.join(str(_scaled(part, factor)) for part in length)}]"


def _schedulers(place: str, part: Mapping | Sequence) -> dict[str, Mapping]:
    """Find the schedulers in a part of a config, each by its place.

    MMEngine takes one of them, several, or either for each optimizer by name.
    """
    if "type" in part:
        return {place: part}
    inner = part.items() if isinstance(part, Mapping) else enumerate(part)
    found = {}
    for key, value in inner:
        found |= _schedulers(f"{place}.{key}", value)
    return found


def _check_losses(row: Row, config: Config) -> None:
    distiller = config.get("model", {}).get("distiller", {})
    losses = distiller.get("distill_losses", {})
    for name in row.without:
        if name not in losses:
            raise SuiteError(
                f"Row {row.name!r} is to be without {name!r}, which is no loss of "
                f"{row.config}{hint(name, losses)}."
            )


def _check_takes(row: Row, config: Config) -> None:
    for source, option in row.takes.items():
        *path, last = option.split(".")
        part = config
        for key in path:
            part = part.get(key) or {}
        if last not in part:
            raise SuiteError(
                f"Row {row.name!r} is to take the checkpoint of {source!r} as "
                f"{option}, which is no option of {row.config}."
            )


def _parse(options: Sequence[str]) -> dict:
    """Parse K=V as MMEngine's tools do."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg-options", nargs="*", action=DictAction)
    return parser.parse_args(["--cfg-options", *options]).cfg_options
