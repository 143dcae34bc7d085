"""What the distillation benchmark knows and changes of a row's config."""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from distill_suite import Row, SuiteError, hint, read_config
from mmengine.config import Config, DictAction

# A loss stands in two places of a distiller's config.
LOSS_PLACES = ("distill_losses", "loss_forward_mappings")
LINES = 20


class Recipe(NamedTuple):
    """What has to be known of a config.

    Attributes:
        iters: length of the training.
        lengths: other options that count iterations, such as the end of a learning
            rate's schedule.
        log_interval: iterations from one line of the log to the next.
        contents: a hash that tells whether a config has changed.
    """

    iters: int
    lengths: dict[str, int]
    log_interval: int
    contents: str

    def options(self, iters: int) -> list[str]:
        """Return the options that train ``iters`` iterations, everything in scale."""
        if iters == self.iters:
            return []
        options = {
            key: max(1, round(length * iters / self.iters))
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
            teacher's checkpoint, or a loss that is to be taken out is not there.
    """
    config = read_config(row.config)
    config.merge_from_dict(_parse(options))
    if row.distilled and "teacher_ckpt" not in config.get("model", {}):
        raise SuiteError(
            f"Row {row.name!r}: {row.config} is no distillation, since it has no "
            "model.teacher_ckpt. Only the rows teacher and student train alone."
        )
    _check_losses(row, config)
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
        for key in ("begin", "end", "step_size")
        if scheduler.get(key)
    }
    hooks = config.get("default_hooks", {})
    # MMEngine's default, -1, saves at the end only, however long the training is.
    save = hooks.get("checkpoint", {}).get("interval", -1)
    if save > 0:
        lengths["default_hooks.checkpoint.interval"] = save
    log_interval = hooks.get("logger", {}).get("interval", 10)
    text = json.dumps(config.to_dict(), sort_keys=True, default=str)
    contents = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Recipe(iters, lengths, log_interval, contents)


def without_losses(row: Row) -> str:
    """Return a config that is the row's, without the losses that it is to lack.

    A weight of zero would leave their cost, and no option takes out a part of a config.
    """
    lines = [f"_base_ = [{str(row.config)!r}]"]
    for place in LOSS_PLACES:
        lines += [f"del _base_.model.distiller.{place}.{name}" for name in row.without]
    return "\n".join(lines) + "\n"


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


def _parse(options: Sequence[str]) -> dict:
    """Parse K=V as MMEngine's tools do."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg-options", nargs="*", action=DictAction)
    return parser.parse_args(["--cfg-options", *options]).cfg_options
