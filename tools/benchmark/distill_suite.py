"""Suites of the distillation benchmark: the networks that are compared."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from mmengine.config import Config, ConfigDict

SUITES = Path(__file__).parent / "suites"
TEACHER, STUDENT = "teacher", "student"
KEYS = ("config", "options", "without", "alone", "takes")
UNREADABLE = (
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


class SuiteError(ValueError):
    """A suite, or what is asked of it, cannot be trained."""


class Row(NamedTuple):
    """One line of the comparison.

    Attributes:
        name: its name in the report, and of its folder.
        config: path of its config.
        options: overrides, as after ``--cfg-options``.
        without: losses of the distiller that are taken out.
        alone: whether it learns from no teacher, though it is neither teacher nor
            student.
        takes: rows whose checkpoints it is given, each with the option for it.
        taken: whether another row takes its checkpoint. It then trains for that one,
            in its own time, and is not compared.
    """

    name: str
    config: Path
    options: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    alone: bool = False
    takes: Mapping[str, str] = MappingProxyType({})
    taken: bool = False

    @property
    def compared(self) -> bool:
        """Whether it is compared with the student."""
        return self.name not in (TEACHER, STUDENT) and not self.taken

    @property
    def distilled(self) -> bool:
        """Whether it learns from the teacher."""
        return self.name not in (TEACHER, STUDENT) and not self.alone


class Suite(NamedTuple):
    """The networks that are compared, and by what.

    Attributes:
        rows: the networks, in the order of the report.
        metric: the name of the metric in MMEngine's log; more of it is better.
        unit: its unit; numbers in percent get two decimals, and all others three.
        also: names of other metrics in the log, of the same unit, that are reported.
    """

    rows: list[Row]
    metric: str = "mIoU"
    unit: str = "%"
    also: tuple[str, ...] = ()


def load_suite(name: str) -> Suite:
    """Read a suite.

    Args:
        name: name of a file in ``suites``, or a path.

    Returns:
        The suite.

    Raises:
        SuiteError: there is no such suite, or it is not one.
    """
    path = Path(name) if name.endswith(".py") else SUITES / f"{name}.py"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in SUITES.glob("*.py")))
        raise SuiteError(f"There is no suite {path}: give a path, or one of {known}.")
    config = read_config(path)
    rows = config.get("rows")
    if not isinstance(rows, dict):
        raise SuiteError(f"{path} has no dict `rows`; {SUITES}/mosaic.py is a model.")
    rows = [_row(path, name, row) for name, row in rows.items()]
    taken = {name for row in rows for name in row.takes}
    rows = [row._replace(taken=row.name in taken) for row in rows]
    for row in rows:
        # The teacher's checkpoint needs no mention, and one step before is enough.
        if row.taken and (row.takes or row.name in (TEACHER, STUDENT)):
            raise SuiteError(
                f"{path}: rows take the checkpoint of {row.name!r}, which has to be a "
                "row that takes none itself, and neither teacher nor student."
            )
    for needed in _references(rows):
        if needed not in [row.name for row in rows]:
            raise SuiteError(f"{path} has no row {needed!r}, which a suite needs.")
    measured = {key: config[key] for key in ("metric", "unit") if key in config}
    return Suite(rows, **measured, also=tuple(config.get("also", ())))


def choose_rows(rows: Sequence[Row], names: Iterable[str] | None) -> list[Row]:
    """Choose rows by name, and those that they are compared with and learn from.

    Raises:
        SuiteError: there is no row of that name.
    """
    if names is None:
        return list(rows)
    known = {row.name: row for row in rows}
    chosen = {*names}
    for name in chosen:
        if name not in known:
            raise SuiteError(f"The suite has no row {name!r}{hint(name, known)}.")
    if any(name not in (TEACHER, STUDENT) for name in chosen):
        chosen |= _references([known[name] for name in chosen])
    return [row for row in rows if row.name in chosen]


def read_config(path: Path) -> Config:
    """Read an MMEngine config, without what it imports for its training.

    Raises:
        SuiteError: it cannot be read; what stands in it is run, and so may fail.
    """
    try:
        return Config.fromfile(path, import_custom_modules=False)
    except UNREADABLE as error:
        raise SuiteError(
            f"{path} cannot be read: {type(error).__name__}: {error}"
        ) from error


def hint(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about a name that is not known."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(known)}"


def _references(rows: Sequence[Row]) -> set[str]:
    """Return the student, and whom rows learn from: the teacher, and what they take."""
    taken = {name for row in rows for name in row.takes}
    return {STUDENT, *taken, *(TEACHER for row in rows if row.distilled)}


def _row(path: Path, name: str, row: ConfigDict) -> Row:
    if not re.fullmatch(r"\w[\w+.-]*", name):
        raise SuiteError(
            f"{path}: {name!r} names a folder too: use letters, digits, + - . and _."
        )
    for key in row:
        if key not in KEYS:
            raise SuiteError(f"{path}: row {name!r} has {key!r}{hint(key, KEYS)}.")
    config = (path.parent / row.get("config", "")).resolve()
    if not config.is_file():
        raise SuiteError(f"{path}: row {name!r} has no config file {config}.")
    options, without = (tuple(row.get(key, ())) for key in ("options", "without"))
    takes = dict(row.get("takes", {}))
    return Row(name, config, options, without, row.get("alone", False), takes)
