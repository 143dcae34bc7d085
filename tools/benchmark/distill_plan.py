"""What the distillation benchmark trains: every row, with every seed, for how long."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from distill_recipe import read_recipe
from distill_run import Key, Result, Run, differences, load_result
from distill_suite import STUDENT, TEACHER, Row, Suite, SuiteError, choose_rows


class Plan:
    """The trainings of a suite, and the results that are there.

    Args:
        suite: what is compared.
        args: the arguments of the command.

    Raises:
        SuiteError: something of it cannot be trained, or was trained in another way.
    """

    def __init__(self, suite: Suite, args: argparse.Namespace) -> None:
        rows, self.metric, self.unit = suite
        self.rows = {row.name: row for row in rows}
        self.out: Path = args.out
        self.seeds: list[int] = args.seeds
        self.equal_time: bool = args.equal_time
        self.jobs: int = args.jobs
        self.threads: int = args.threads
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
        """Describe a training; one in equal time needs the results of two others."""
        row, iters = self.rows[key.row], self._iters(key)
        settings = {
            **self._network(row, iters),
            "seed": key.seed,
            "metric": self.metric,
            # The time of an iteration depends on them.
            "jobs": self.jobs,
            "threads": self.threads,
        }
        if row.distilled:
            teacher = self._network(self.rows[TEACHER], self.iters[TEACHER])
            settings |= {f"teacher's {name}": value for name, value in teacher.items()}
        options = [
            *row.options,
            *self._options,
            f"randomness.seed={key.seed}",
            *self._recipes[row.name].options(iters),
        ]
        return Run(key, row, self.out, iters, options, self.metric, settings)

    def _network(self, row: Row, iters: int) -> dict[str, object]:
        """Return what makes the network of a row what it is, but for its seed."""
        return {
            "config": row.config.name,
            "contents": self._recipes[row.name].contents,
            "without": list(row.without),
            "options": [*row.options, *self._options],
            "iterations": iters,
        }

    def _trainings(self, rows: Sequence[Row]) -> list[Key]:
        """Return the trainings seed by seed, so that early reports have all rows."""
        keys = []
        for seed in self.seeds:
            keys += [Key(row.name, seed) for row in rows]
            if self.equal_time:
                keys += [Key(row.name, seed, True) for row in rows if row.distilled]
        return keys

    def _iters(self, key: Key) -> int:
        if not key.equal_time:
            return self.iters[key.row]
        student = self.results[Key(STUDENT, key.seed)]
        return equal_time_iters(student, self.results[Key(key.row, key.seed)])

    def _load(self) -> None:
        """Load the results that are there, of rows that are not chosen, too."""
        refused = []
        for key in self._trainings([*self.rows.values()]):
            if key.equal_time and not all(need in self.results for need in key.needs):
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
            if row.distilled and self.iters[row.name] != student:
                raise SuiteError(
                    f"Row {row.name!r} trains {self.iters[row.name]} iterations, and "
                    f"the student {student}: give all the same by --iters."
                )


def equal_time_iters(student: Result, row: Result) -> int:
    """Return how many iterations of a row take the time of the student's training.

    They are two at least, since the schedule of a learning rate has a start and an end.
    """
    return max(2, round(student.iters * student.seconds / row.seconds))
