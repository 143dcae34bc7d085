"""All that is wrong with a config, said at once."""

from types import TracebackType

__all__ = ["Faults"]


class Faults:
    """Collects the ValueErrors that are raised in its context, which can be used again.

    .. code-block:: python

        faults = Faults()
        for item in items:
            with faults:
                check(item)
        faults.refuse()

    Attributes:
        found: what was wrong.
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    def __enter__(self) -> "Faults":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if not isinstance(error, ValueError):
            return False
        self.found.append(str(error))
        return True

    def refuse(self) -> None:
        """Raise if anything was found.

        Raises:
            ValueError: it names all that was found.
        """
        if self.found:
            raise ValueError(" Also: ".join(self.found))
