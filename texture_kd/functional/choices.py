"""What is refused of options that name one of several things."""

from collections.abc import Sequence


def check_choice(name: str, value: str, known: Sequence[str]) -> None:
    """Refuse a value that is not one of the known ones.

    Args:
        name: the option.
        value: what it was given.
        known: what it may be.

    Raises:
        ValueError: it is something else.
    """
    if value not in known:
        raise ValueError(f"expected {name} among {tuple(known)}, got {value!r}")
