"""The report of the distillation benchmark: what its runs say together."""

from collections.abc import Mapping, Sequence
from statistics import mean, median, stdev
from typing import NamedTuple

from distill_plan import Plan
from distill_plot import draw
from distill_run import Key, Results
from distill_suite import STUDENT, TEACHER
from measure import Table, write_report

# With a place for the metric, whose name may be that of another column's.
SCORE, EQUAL = "{score}", "equal-cost {score}"
GAIN, GAP = "gain", "gap closed (%)"
EQUAL_ITERS = "equal-cost iterations"
EQUAL_SHARE = "of the student's cost (%)"
SECONDS, MEMORY = "seconds an iteration", "memory (MiB)"
FAILED = "failed"
STYLES = {
    SCORE: ".2f",
    GAIN: "+.2f",
    GAP: ".1f",
    EQUAL: ".2f",
    EQUAL_ITERS: "d",
    EQUAL_SHARE: ".0f",
    SECONDS: ".4f",
    MEMORY: ".0f",
}
NOTE = """\
{score} is that of the last iteration, on the validation data: mean ± sample standard
deviation over the seeds, and n in brackets where not all of them count. A seed is a
repetition of its own, in which the distilled networks learn from the teacher of that
seed, and differences are taken within a seed: the gain is row - student, the gap closed
(row - student) / (teacher - student), with no figure where the teacher is not ahead.
Seconds an iteration are the median of a training's log, and then of the seeds: {cost}
"""
GPU_COST = "its time."
CPU_COST = """\
those of the CPU that its process takes, user and system, so that other work beside a
training does not count."""
GPU_MEMORY = """\
Memory is the peak of PyTorch's allocator on the GPU, the highest of the seeds."""
CPU_MEMORY = """\
Memory is the largest resident set of the training process or of one of its workers, the
highest of the seeds."""
EQUAL_NOTE = """\
Equal cost is the score of a second training of a row, with as many iterations as cost
what the student's training costs, by the medians over the seeds; the whole schedule is
scaled. What they really took of the student's cost is beside it. The student's score is
that of its only training, and the teacher has none."""

TAKEN_NOTE = """\
{names}: trained from the teacher of the seed for rows that take its checkpoint, and not
compared. As the teacher's, its cost is in no other row's."""


class Report(NamedTuple):
    """Writes results.md, results.csv and results.png.

    Attributes:
        plan: what is trained.
        suite: name of the suite.
        facts: what the figures depend on, by name.
        gpu: whether a GPU trains.
    """

    plan: Plan
    suite: str
    facts: Mapping[str, object]
    gpu: bool

    def write(self, results: Results, failures: Mapping[Key, str]) -> str:
        """Write all three files, with what is there.

        Args:
            results: of the trainings that are finished.
            failures: why others failed.

        Returns:
            The content of results.md.
        """
        plan = self.plan
        trained = {key.row for key in [*plan.keys, *results]}
        names = [name for name in plan.rows if name in trained]
        rows = [self._row(name, results, failures) for name in names]
        each = [
            self._each(results, name, seed) for name in names for seed in plan.seeds
        ]
        tables = [Table("Results", rows), Table("Each seed", each)]
        text = write_report(plan.out, "results", self._head(results, failures), tables)
        label = self._heading(SCORE)
        draw(results, names, plan.seeds, label, plan.out / "results.png")
        return text

    def _head(self, results: Results, failures: Mapping[Key, str]) -> list[str]:
        done = sum(key in results for key in self.plan.keys)
        facts = {**self.facts, "Trainings done": f"{done} of {len(self.plan.keys)}"}
        lines = [
            f"# Distillation: {self.suite}",
            "\n".join(f"- {name}: {value}" for name, value in facts.items()),
            NOTE.format(score=self.plan.metric, cost=GPU_COST if self.gpu else CPU_COST)
            + (GPU_MEMORY if self.gpu else CPU_MEMORY),
        ]
        lines += [EQUAL_NOTE] if self.plan.equal_cost else []
        taken = [name for name, row in self.plan.rows.items() if row.taken]
        lines += [TAKEN_NOTE.format(names=", ".join(taken))] if taken else []
        return lines + [_failure(key, reason) for key, reason in failures.items()]

    def _row(
        self, name: str, results: Results, failures: Mapping[Key, str]
    ) -> dict[str, str]:
        plan = self.plan
        figures = [self._figures(results, name, seed) for seed in plan.seeds]

        def values(column: str) -> list[float]:
            return [found[column] for found in figures if column in found]

        row = {"row": name, "n": str(len(values(SCORE)))}
        for column in [*self._columns(SCORE, GAIN, GAP, EQUAL), *plan.also]:
            found, style = values(column), self._style(column)
            row[self._heading(column)] = spread_text(found, len(plan.seeds), style)
        summaries = {EQUAL_SHARE: median, SECONDS: median, MEMORY: max}
        for column in self._columns(*summaries):
            summary = summaries[column]
            found = values(column)
            row[column] = format(summary(found), STYLES[column]) if found else ""
        if failures:
            row[FAILED] = "; ".join(key.which for key in failures if key.row == name)
        return row

    def _figures(self, results: Results, name: str, seed: int) -> dict[str, float]:
        figures = seed_figures(results, name, seed, self.plan.teacher(seed))
        if self.plan.rows[name].taken:
            # It is no student's rival.
            figures.pop(GAIN, None)
            figures.pop(GAP, None)
        return figures

    def _each(self, results: Results, name: str, seed: int) -> dict[str, str]:
        figures = self._figures(results, name, seed)
        row = {"row": name, "seed": str(seed)}
        for column in [*self._columns(*STYLES), *self.plan.also]:
            found = column in figures
            text = format(figures[column], self._style(column)) if found else ""
            row[self._heading(column)] = text
        return row

    def _heading(self, column: str) -> str:
        """Name the metric of a column."""
        return column.format(score=f"{self.plan.metric} ({self.plan.unit})")

    def _style(self, column: str) -> str:
        style = STYLES.get(column, ".2f")
        return style if self.plan.unit == "%" else style.replace(".2f", ".3f")

    def _columns(self, *names: str) -> list[str]:
        left_out = [] if self.plan.equal_cost else [EQUAL, EQUAL_ITERS, EQUAL_SHARE]
        left_out += [] if TEACHER in self.plan.rows else [GAP]
        return [name for name in names if name not in left_out]


def seed_figures(
    results: Results, name: str, seed: int, teacher: Key
) -> dict[str, float]:
    """Return what is known of a row with a seed and its teacher, by column."""
    result = results.get(Key(name, seed))
    equal = results.get(Key(name, seed, equal_cost=True))
    student = results.get(Key(STUDENT, seed))
    taught_by = results.get(teacher)
    figures: dict[str, float | None] = {}
    if result:
        figures |= {SCORE: result.score, SECONDS: result.seconds, MEMORY: result.memory}
        figures |= result.others
    if result and student and name != STUDENT:
        figures[GAIN] = result.score - student.score
    if result and student and taught_by and name not in (TEACHER, STUDENT):
        figures[GAP] = gap_closed(taught_by.score, student.score, result.score)
    # The student has the student's cost.
    equal = result if name == STUDENT else equal
    if equal:
        figures |= {EQUAL: equal.score, EQUAL_ITERS: equal.iters}
    if equal and student:
        share = equal.iters * equal.seconds / (student.iters * student.seconds)
        figures[EQUAL_SHARE] = 100 * share
    return {column: value for column, value in figures.items() if value is not None}


def gap_closed(teacher: float, student: float, distilled: float) -> float | None:
    """Return how much of the gap is closed in percent, None if there is none."""
    if teacher <= student:
        return None
    return 100 * (distilled - student) / (teacher - student)


def spread_text(values: Sequence[float], count: int, style: str) -> str:
    """Format mean ± sample standard deviation, which takes two values at least.

    Args:
        values: those that are there.
        count: how many there should be; n is said if they are fewer.
        style: their format.
    """
    if not values:
        return ""
    text = format(mean(values), style)
    if len(values) > 1:
        text += f" ± {format(stdev(values), style.lstrip('+'))}"
    return text if len(values) == count else f"{text} (n = {len(values)})"


def _failure(key: Key, reason: str) -> str:
    first, *lines = reason.splitlines()
    text = f"**{key}: failed.** {first}"
    return "\n".join([text, "", "```", *lines, "```"]) if lines else text
