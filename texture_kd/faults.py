"""All that is wrong with a config, said at once."""

from types import TracebackType

__all__ = ["ALSO", "Faults"]

# Between what is wrong.
ALSO = " Also: "


class Faults:
    """Collects the errors that are raised in its context, which can be used again.

    .. code-block:: python

        faults = Faults()
        for item in items:
            with faults:
                check(item)
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
        self.found.append(str(error))
        self._errors.append(error)
        return True

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
