"""All that is wrong with a config, said at once."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import cv2

__all__ = ["ALSO", "PROBLEMS", "Faults"]

# Between what is wrong.
ALSO = " Also: "

# Whatever a config, its data or its networks can make OpenMMLab raise.
PROBLEMS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    cv2.error,
    pickle.UnpicklingError,
)


class Faults:
    """Collects the errors that are raised in its context, which can be used again.

    .. code-block:: python

        faults = Faults()
        for item in items:
            with faults:
                check(item)
        with faults.of("the network"):
            build()
        faults.refuse()

    Args:
        *others: kinds of errors to collect beside ValueErrors.

    Attributes:
        found: what was wrong.
    """

    def __init__(self, *others: type[Exception]) -> None:
        self.found: list[str] = []
        self._kinds = (ValueError, *others)
        self._errors: list[BaseException] = []

    def __enter__(self) -> "Faults":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if not isinstance(error, self._kinds):
            return False
        self._add(str(error), error)
        return True

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        """Collect any of :data:`PROBLEMS` that is raised in a context.

        Args:
            what: it is of, for the message.
        """
        try:
            yield
        except PROBLEMS as error:
            self._add(f"{what}: {self._words(error)}", error)

    def refuse(self) -> None:
        """Raise if anything was found.

        Raises:
            Exception: the only one that was collected, as it was raised.
            ValueError: it names all that was found.
        """
        if len(self.found) == len(self._errors) == 1:
            raise self._errors[0]
        if self.found:
            cause = self._errors[0] if self._errors else None
            raise ValueError(ALSO.join(self.found)) from cause

    def _add(self, said: str, error: BaseException) -> None:
        if said not in self.found:
            self.found.append(said)
            self._errors.append(error)

    def _words(self, error: BaseException) -> str:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        return f"{kind}{error}"
