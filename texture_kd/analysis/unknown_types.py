"""Types in a config that nothing has registered."""

import contextlib
import difflib
from collections.abc import Iterator
from typing import Any

import mmengine.registry
from mmengine.registry import Registry


def unknown_types(config: Any) -> list[str]:
    """Name the types in a config that no registry knows.

    MMEngine raises for these, but not always with a name. Not all that a config calls
    ``type`` has to be one, and so these are where to look, and no errors.

    Args:
        config: whose ``custom_imports``, and the registries of the packages that it
            names types of, have been imported.

    Returns:
        A phrase for each, with names that are close.
    """
    roots = [r for r in vars(mmengine.registry).values() if isinstance(r, Registry)]
    known = {name for root in roots for name in _names(root)}
    # MMRazor puts these behind the names of its own configs.
    for suffix in ("Recorder", "Delivery"):
        known |= {name.removesuffix(suffix) for name in known}
    return [
        f"no registry has {path}={name!r}{_close(name, known)}"
        for path, name in config_types(config)
        # A path to import, or of a scope whose package is not here.
        if name.split(".")[-1] not in known
    ]


def _close(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _names(registry: Registry) -> Iterator[str]:
    # Packages register most of their classes when one is first built. One that cannot
    # be imported knows no types, and is the business of who builds one of them.
    with contextlib.suppress(ImportError):
        registry.import_from_location()
    yield from registry.module_dict
    for child in list(registry.children.values()):
        yield from _names(child)


def config_types(config: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Find what a config calls ``type``.

    Args:
        config: any part of a config.
        path: of this part.

    Yields:
        The path and the name of each.
    """
    if isinstance(config, dict):
        for key, value in config.items():
            below = f"{path}.{key}" if path else str(key)
            if key == "type" and isinstance(value, str):
                yield below, value
            yield from config_types(value, below)
    elif isinstance(config, list | tuple):
        for index, item in enumerate(config):
            yield from config_types(item, f"{path}.{index}")
