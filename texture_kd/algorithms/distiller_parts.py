"""The parts of a distiller, each built by itself.

MMRazor builds one after the other: what is wrong with one hides the rest, and what it
says of it does not have its name.
"""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

from mmengine.registry import Registry
from mmrazor.models.distillers import ConfigurableDistiller
from mmrazor.registry import MODELS, TASK_UTILS
from torch import nn

from texture_kd.algorithms.known_names import check_name
from texture_kd.faults import PROBLEMS, Faults
from texture_kd.registry import class_name

__all__ = ["built_parts", "with_parts"]

# What MMRazor builds of its task utilities, and puts behind their names.
_TRIED = {
    "student_recorders": ("the student's recorder", "Recorder"),
    "teacher_recorders": ("the teacher's recorder", "Recorder"),
    "distill_deliveries": ("the delivery", "Delivery"),
}
_BUILT = {"distill_losses": "", "connectors": "the connector "}
# Keys of a config that no constructor gets.
_MMENGINES = ("type", "_scope_")

Parts = dict[str, dict[str, Any]]


def built_parts(distiller: Mapping, faults: Faults) -> Parts:
    """Build the losses and connectors of a distiller, and try its other parts.

    Args:
        distiller: config of MMRazor's ConfigurableDistiller, in its words. A distiller
            that builds its parts in another way is left to itself.
        faults: where it is said what is wrong with each.

    Returns:
        Under ``distill_losses`` and ``connectors`` the modules by their names, but for
        those that cannot be built. Where a config has a list there is a list.
    """
    if not _builds_plainly(distiller, faults):
        return {}
    for key, (what, suffix) in _TRIED.items():
        for name, config in (distiller.get(key) or {}).items():
            with faults:
                _built(f"{what} {name!r}", config, TASK_UTILS, suffix)
    parts: Parts = {}
    for key, what in _BUILT.items():
        parts[key] = {}
        for name, config in (distiller.get(key) or {}).items():
            with faults:
                parts[key][name] = _built_each(f"{what}{name}", config)
    return parts


def with_parts(distiller: Mapping, parts: Parts) -> dict:
    """Return a distiller's config that takes parts which are built.

    Args:
        distiller: config of MMRazor's ConfigurableDistiller; it stays as it is.
        parts: all of its losses and connectors.
    """
    given = {
        key: {name: _as_config(part) for name, part in built.items()}
        for key, built in parts.items()
    }
    return dict(distiller, **given)


def _as_config(part: nn.Module | list[nn.Module]) -> dict | list[dict]:
    if isinstance(part, list):
        return [_as_config(item) for item in part]
    # A registry calls whatever a type is.
    return dict(type=lambda: part)


def _builds_plainly(distiller: Mapping, faults: Faults) -> bool:
    """Tell whether a distiller builds its losses and connectors as MMRazor's does."""
    cls = None
    with faults:
        cls = _type("model.distiller", distiller, MODELS)
    plain = ConfigurableDistiller
    return (
        isinstance(cls, type)
        and issubclass(cls, plain)
        and cls.build_distill_losses is plain.build_distill_losses
        and cls.build_connectors is plain.build_connectors
    )


def _built_each(what: str, config: Mapping | list) -> nn.Module | list[nn.Module]:
    if not isinstance(config, list):
        return _built(what, config, MODELS)
    return [_built(f"{what}.{i}", item, MODELS) for i, item in enumerate(config)]


def _built(what: str, config: Mapping, registry: Registry, suffix: str = "") -> Any:
    """Build a part.

    Raises:
        ValueError: it cannot be built; the message has its name and its class.
    """
    cls = _type(what, config, registry, suffix)
    what = f"{what} ({class_name(config['type'])})"
    _check_options(what, cls, config)
    try:
        # A name is told from a class by MMEngine alone, which knows of scopes.
        kind = config["type"]
        named = f"{kind}{suffix}" if isinstance(kind, str) else kind
        return registry.build(dict(config, type=named))
    except PROBLEMS as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise ValueError(f"{what}: {kind}{error}") from error


def _type(what: str, config: Mapping, registry: Registry, suffix: str = "") -> Callable:
    """Return what a config's type stands for.

    Raises:
        ValueError: it has none, or one that nothing has registered.
    """
    kind = config.get("type") if isinstance(config, Mapping) else None
    if not (isinstance(kind, str) or callable(kind)):
        raise ValueError(f"{what} needs a type, dict(type=...), and is {config!r}.")
    if callable(kind):
        return kind
    found = registry.get(f"{kind}{suffix}")
    if found is None:
        scope, _, name = kind.rpartition(".")
        names = [known for known in registry.module_dict if known.endswith(suffix)]
        known = [known.removesuffix(suffix) for known in names]
        check_name(name, known, f"{what} has the type", scope)
        raise ValueError(
            f"{what} has the type {kind!r}, which does not exist; did you mean {name}?"
        )
    return found


def _check_options(what: str, cls: Callable, config: Mapping) -> None:
    """Check that a constructor has the options of a config, and gets what it needs.

    Raises:
        ValueError: one does not exist, or one without a default is not given.
    """
    parameters = signature(cls).parameters
    variadic = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    names = {k: p for k, p in parameters.items() if p.kind not in variadic}
    faults = Faults()
    if all(p.kind is not Parameter.VAR_KEYWORD for p in parameters.values()):
        for option in config:
            with faults:
                check_name(option, (*names, *_MMENGINES), f"{what} has the option")
    for name, parameter in names.items():
        if parameter.default is Parameter.empty and name not in config:
            faults.found.append(f"{what} needs the option {name!r}.")
    faults.refuse()
