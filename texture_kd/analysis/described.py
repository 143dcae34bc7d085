"""Tensors, durations and rows in words."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor

__all__ = ["described", "duration", "markdown_table"]

Row = tuple[str, str, str]


def described(value: Any) -> str:
    """Describe tensors by their shapes and dtypes, and what holds them.

    Args:
        value: a tensor, a list or tuple of such, or something else.
    """
    if isinstance(value, Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        return f"{tuple(value.shape)} {kind}"
    if isinstance(value, list | tuple):
        held = [described(item) for item in value]
        return held[0] if len(held) == 1 else f"[{'; '.join(held)}]"
    if value is None:
        return "None"
    return type(value).__name__


def duration(seconds: float) -> str:
    """Say how long something takes, in minutes, hours or days."""
    minutes, hours = seconds / 60, seconds / 3600
    if hours >= 48:
        return f"{hours / 24:.1f} days"
    return f"{hours:.1f} h" if hours >= 2 else f"{minutes:.1f} min"


def markdown_table(rows: Iterable[Row]) -> str:
    """Return a Markdown table whose columns are even.

    Args:
        rows: the names of the columns first.
    """
    head, *body = rows
    rows = [head, ("---",) * len(head), *body]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows)
