"""What the distillation benchmark trains: every row, with every seed, for how long."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from distill_recipe import package_contents, read_recipe
from distill_run import (
    Key,
    Result,
    Run,
    differences,
    load_result,
    read_settings,
)
from distill_suite import STUDENT, TEACHER, Row, Suite, SuiteError, choose_rows
from measure import devices, machine


class Plan:
    """The trainings of a suite, and the results that are there.

    Args:
        suite: what is compared.
        args: the arguments of the command.

    Raises:
        SuiteError: something of it cannot be trained, or was trained in another way.
    """

    def __init__(self, suite: Suite, args: argparse.Namespace) -> None:
        rows, self.metric, self.unit, self.also = suite
        self.rows = {row.name: row for row in rows}
        self.out: Path = args.out
        self.seeds: list[int] = args.seeds
        self.teacher_seed: int | None = args.teacher_seed
        self.equal_cost: bool = args.equal_cost
        self.jobs: int = args.jobs
        self.threads: int = args.threads
        self.machine = machine(devices()[-1])
        self.package = package_contents()
        self._options: list[str] = args.cfg_options
        self._recipes = {
            row.name: read_recipe(row, [*row.options, *self._options]) for row in rows
        }
        self.iters = {
            name: args.iters or recipe.iters for name, recipe in self._recipes.items()
        }
        chosen = choose_rows(rows, args.rows)
        self._check_budgets(chosen)
        self.keys = self._trainings(chosen)
        self.results: dict[Key, Result] = {}
        self._load()

    def describe(self, key: Key) -> Run:
        """Describe a training, whose needs have to be met."""
        row, iters = self.rows[key.row], self._iters(key)
        settings = {
            **self._network(row, iters),
            "seed": key.seed,
            "metric": self.metric,
            **({"also": [*self.also]} if self.also else {}),
            "texture_kd": self.package,
            # The cost of an iteration depends on them.
            "jobs": self.jobs,
            "threads": self.threads,
            "machine": self.machine,
        }
        # Whom it learns from, and at whose cost.
        others = [TEACHER] * row.distilled + [*row.takes] + [STUDENT] * key.equal_cost
        for name in others:
            other = self._network(self.rows[name], self.iters[name])
            settings |= {f"{name}'s {part}": value for part, value in other.items()}
        if row.distilled:
            settings["teacher's seed"] = self.teacher(key.seed).seed
        options = [
            *self._recipes[row.name].given,
            f"randomness.seed={key.seed}",
            "default_hooks.cpu_time.type=texture_kd.CPUTimeHook",
            *self._recipes[row.name].options(iters),
        ]
        names = (self.metric, self.also)
        teacher = self.teacher(key.seed)
        return Run(key, row, teacher, self.out, iters, options, *names, settings)

    def teacher(self, seed: int) -> Key:
        """Return the training of the teacher that rows of a seed learn from."""
        return Key(TEACHER, seed if self.teacher_seed is None else self.teacher_seed)

    def needs(self, key: Key) -> list[Key]:
        """Return the trainings that have to be finished before one.

        What an iteration costs varies a little, and so the cost of a row is taken
        from all of its seeds.
        """
        row = self.rows[key.row]
        needs = [self.teacher(key.seed)] if row.distilled else []
        needs += [Key(name, key.seed) for name in row.takes]
        if key.equal_cost:
            timed = (STUDENT, key.row)
            needs += [Key(name, seed) for seed in self.seeds for name in timed]
        return needs

    def _network(self, row: Row, iters: int) -> dict[str, object]:
        """Return what makes the network of a row what it is, but for its seed."""
        return {
            "config": row.config.name,
            "contents": self._recipes[row.name].contents,
            "without": list(row.without),
            "options": self._recipes[row.name].given,
            "iterations": iters,
        }

    def _trainings(self, rows: Sequence[Row]) -> list[Key]:
        """Return the trainings seed by seed, so that early reports have all rows."""
        keys = [
            self.teacher(seed) if row.name == TEACHER else Key(row.name, seed)
            for seed in self.seeds
            for row in rows
        ]
        keys = [*dict.fromkeys(keys)]
        if self.equal_cost:
            keys += [
                Key(row.name, seed, equal_cost=True)
                for seed in self.seeds
                for row in rows
                if row.compared
            ]
        return keys

    def _iters(self, key: Key) -> int:
        if not key.equal_cost:
            return self.iters[key.row]
        begun = read_settings(key.folder(self.out))
        if begun:
            # Times of more seeds, or of a repetition, are never quite the same.
            return begun["iterations"]
        seconds = {
            name: median(self.results[Key(name, seed)].seconds for seed in self.seeds)
            for name in (STUDENT, key.row)
        }
        return equal_cost_iters(self.iters[STUDENT], seconds[STUDENT], seconds[key.row])

    def _load(self) -> None:
        """Load the results that are there, of rows that are not chosen, too."""
        refused = []
        for key in self._trainings([*self.rows.values()]):
            if read_settings(key.folder(self.out)) is None:
                continue
            run = self.describe(key)
            found = differences(run)
            if found:
                refused.append(f"  {run.folder}: {found}")
            elif (result := load_result(run)) is not None:
                self.results[key] = result
        if refused:
            raise SuiteError(
                "\n".join(["these were trained with other settings:", *refused])
                + "\nGive the same settings or another --out, or delete these folders."
            )

    def _check_budgets(self, rows: Sequence[Row]) -> None:
        student = self.iters[STUDENT]
        for row in rows:
            if row.compared and self.iters[row.name] != student:
                raise SuiteError(
                    f"Row {row.name!r} trains {self.iters[row.name]} iterations, and "
                    f"the student {student}: give all the same by --iters."
                )


def equal_cost_iters(iters: int, student_seconds: float, row_seconds: float) -> int:
    """Return how many iterations of a row cost what the student's training does.

    They are two at least, since the schedule of a learning rate has a start and an end.

    Args:
        iters: iterations of the student.
        student_seconds: of one of them.
        row_seconds: of one of the row's.
    """
    return max(2, round(iters * student_seconds / row_seconds))
