"""Configs as text that people read."""

import json
from collections.abc import Mapping
from keyword import iskeyword
from math import isfinite
from typing import Any

__all__ = ["config_text"]

_WIDTH = 88


def config_text(config: Mapping[str, Any], header: str) -> str:
    """Return the text of a config, whose values are written out.

    What stands in the config before is named where it occurs again.

    Args:
        config: names and plain values, in the order of the file.
        header: comment above it, without marks.

    Returns:
        Python that MMEngine reads.
    """
    lines = [f"# {line}".rstrip() for line in header.splitlines()]
    named: dict[str, Any] = {}
    for name, value in config.items():
        lines.append(f"{name} = {_text(value, named, len(name) + 3, '')}")
        if isinstance(value, (Mapping, list, tuple)) and len(value) > 1:
            named[name] = value
    return "\n".join(lines) + "\n"


def _text(value: Any, named: Mapping[str, Any], used: int, indent: str) -> str:
    """Return a value's text, in lines of its own where it is long.

    Args:
        value: any of a config.
        named: values that have names.
        used: columns that are taken in the first line.
        indent: of the line that it begins in.
    """
    flat = _flat(value, named)
    if used + len(flat) <= _WIDTH or not isinstance(value, (Mapping, list, tuple)):
        return flat
    (begin, end), items = _parts(value)
    inner = indent + "    "
    lines = [
        f"{inner}{key}{_text(item, named, len(inner + key) + 1, inner)},"
        for key, item in items
    ]
    return "\n".join([begin, *lines, indent + end])


def _flat(value: Any, named: Mapping[str, Any]) -> str:
    """Return a value's text in one line, its name if it has one."""
    for name, other in named.items():
        # Equal values may differ: True is 1.
        if repr(other) == repr(value):
            return name
    if isinstance(value, (Mapping, list, tuple)):
        (begin, end), items = _parts(value)
        texts = [key + _flat(item, named) for key, item in items]
        comma = "," if isinstance(value, tuple) and len(texts) == 1 else ""
        return begin + ", ".join(texts) + comma + end
    if isinstance(value, str) and value.isprintable():
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and not isfinite(value):
        return f'float("{value}")'
    return repr(value)


def _parts(value: Any) -> tuple[tuple[str, str], list[tuple[str, Any]]]:
    """Return the brackets of a container, and its items behind their keys."""
    if not isinstance(value, Mapping):
        brackets = ("[", "]") if isinstance(value, list) else ("(", ")")
        return brackets, [("", item) for item in value]
    if all(isinstance(k, str) and k.isidentifier() for k in value) and not any(
        map(iskeyword, value)
    ):
        return ("dict(", ")"), [(f"{key}=", item) for key, item in value.items()]
    return ("{", "}"), [(f"{key!r}: ", item) for key, item in value.items()]
