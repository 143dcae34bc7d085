"""A distiller's config as MMRazor takes it."""

from collections.abc import Callable, Mapping
from typing import Any

from texture_kd.faults import Faults
from texture_kd.registry import class_name

__all__ = ["plain_distiller"]

_RECORDERS = ("student_recorders", "teacher_recorders")
_PARTS = ("distill_losses", "connectors", "distill_deliveries", *_RECORDERS)


def plain_distiller(distiller: Mapping | None) -> dict:
    """Return a distiller's config as MMRazor takes it.

    What a child config sets to None is left out, a loss with what it is given. Classes
    of recorders and deliveries become names, which MMRazor puts "Recorder" and
    "Delivery" behind.

    Args:
        distiller: config of MMRazor's ConfigurableDistiller.

    Raises:
        ValueError: there is none, a part of it is no config, or a class of a recorder
            is not called so.
    """
    if not isinstance(distiller, Mapping):
        raise ValueError(
            f"model.distiller is {distiller!r}, and a distillation needs the config "
            "of one, dict(type='ConfigurableDistiller', ...). To train the student "
            "alone, make what stands in model.architecture the model."
        )
    plain = dict(distiller)
    # A distiller of another kind need not have all of these.
    for key in plain.keys() & {*_PARTS}:
        plain[key] = _without_none(distiller[key])
    _check_configs(plain)
    losses = distiller.get("distill_losses") or {}
    off = {name for name, loss in losses.items() if loss is None}
    if "loss_forward_mappings" in plain:
        plain["loss_forward_mappings"] = {
            loss: {
                name: _record(record) for name, record in _without_none(records).items()
            }
            for loss, records in (distiller["loss_forward_mappings"] or {}).items()
            if records is not None and loss not in off
        }
    for side in plain.keys() & {*_RECORDERS}:
        plain[side] = _named(plain[side], _recorder_name)
    if "distill_deliveries" in plain:
        plain["distill_deliveries"] = _named(
            plain["distill_deliveries"], _delivery_name
        )
    return plain


def _without_none(parts: Mapping | None) -> dict:
    return {name: part for name, part in (parts or {}).items() if part is not None}


def _check_configs(distiller: Mapping) -> None:
    faults = Faults()
    for key in distiller.keys() & {*_PARTS}:
        for name, part in distiller[key].items():
            # Connectors may be lists of them.
            if not isinstance(part, Mapping | list):
                faults.found.append(
                    f"distiller.{key}.{name} is {part!r}, where a config, "
                    "dict(type=...), is expected."
                )
    faults.refuse()


def _record(record: Any) -> Any:
    return _without_none(record) if isinstance(record, Mapping) else record


def _named(parts: Mapping, name: Callable[[type], str]) -> dict:
    """Put names in the place of classes."""
    return {
        key: dict(part, type=name(part["type"]))
        if isinstance(part.get("type"), type)
        else part
        for key, part in parts.items()
    }


def _recorder_name(kind: type) -> str:
    path = f"{kind.__module__}.{kind.__qualname__}"
    if not path.endswith("Recorder"):
        raise ValueError(
            f"{path} is given as the type of a recorder: MMRazor wants a name there "
            "that ends in 'Recorder'. Call the class so."
        )
    return path.removesuffix("Recorder")


def _delivery_name(kind: type) -> str:
    # MMRazor knows its own by these names alone.
    return class_name(kind).removesuffix("Delivery")
