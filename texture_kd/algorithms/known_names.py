"""Names in a config that something has to have."""

import difflib
from collections.abc import Iterable

__all__ = ["check_name"]


def check_name(name: str, known: Iterable[str], what: str, where: str = "") -> None:
    """Check that a name exists.

    Args:
        name: what a config says.
        known: the names that there are.
        what: who says it, for the message.
        where: what has the names, for the message.

    Raises:
        ValueError: it is none of them; the message has those that are close.
    """
    known = [str(key) for key in known if key]
    if name in known:
        return
    close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5) or known[:8]
    place = f" in {where}" if where else ""
    hint = f"; did you mean {', '.join(close)}?" if close else "."
    raise ValueError(f"{what} {name!r}, which does not exist{place}{hint}")
