"""Checks of a distiller's config, so that a slip is named before anything is built.

MMRazor asserts some of this while it builds, and finds the rest at the first step.
"""

from collections.abc import Iterable, Mapping
from inspect import Parameter, signature

from mmrazor.models.distillers import ConfigurableDistiller
from mmrazor.registry import MODELS
from torch import Tensor, nn

from texture_kd.algorithms.known_names import check_name
from texture_kd.faults import Faults
from texture_kd.registry import class_name

__all__ = ["check_mappings", "check_same_normalisation", "check_sources"]

_RECORD_KEYS = tuple(signature(ConfigurableDistiller.get_record).parameters)[1:]
_SIDES = {True: "student_recorders", False: "teacher_recorders"}


def check_mappings(distiller: Mapping) -> None:
    """Check that ``loss_forward_mappings`` names what exists, and all that is needed.

    Args:
        distiller: config of MMRazor's ConfigurableDistiller.

    Raises:
        ValueError: a loss, argument, recorder or connector does not exist, or a loss
            argument without a default is not given.
    """
    losses = distiller.get("distill_losses") or {}
    mappings = distiller.get("loss_forward_mappings") or {}
    faults = Faults()
    for loss in losses:
        with faults:
            _check_loss(loss, mappings)
    for loss, records in mappings.items():
        with faults:
            check_name(loss, losses, "loss_forward_mappings names the loss")
            _check_arguments(loss, losses[loss], records)
        for argument, record in records.items():
            with faults:
                _check_record(f"{loss}.{argument}", record, distiller)
    faults.refuse()


def _check_loss(loss: str, mappings: Mapping) -> None:
    if "loss" not in loss:
        raise ValueError(
            f"distill_losses has {loss!r}, which would be logged and not trained: "
            "MMEngine sums the losses that have 'loss' in their names."
        )
    if loss not in mappings:
        raise ValueError(
            f"distill_losses has {loss!r}, which loss_forward_mappings never "
            "calls: give it its arguments there or remove it."
        )


def _check_arguments(loss: str, config: Mapping, records: Mapping) -> None:
    kind = config.get("type")
    cls = MODELS.get(kind) if isinstance(kind, str) else kind
    if not isinstance(cls, type):
        return  # What is wrong with it is said where it is built.
    parameters = dict(signature(cls.forward).parameters)
    parameters.pop("self", None)
    variadic = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    if any(p.kind in variadic for p in parameters.values()):
        return
    where = f"{loss} ({kind if isinstance(kind, str) else class_name(kind)})"
    faults = Faults()
    for argument in records:
        with faults:
            check_name(argument, parameters, f"{where} is given the argument")
    for name, parameter in parameters.items():
        if parameter.default is Parameter.empty and name not in records:
            faults.found.append(
                f"{where} needs the argument {name!r}: map a record to it."
            )
    faults.refuse()


def _check_record(where: str, record: Mapping, distiller: Mapping) -> None:
    for key in record:
        check_name(key, _RECORD_KEYS, f"{where} has the key", "loss_forward_mappings")
    for key in ("recorder", "from_student"):
        if key not in record:
            raise ValueError(f"{where} needs {key!r} in loss_forward_mappings.")
    side = _SIDES[bool(record["from_student"])]
    check_name(
        record["recorder"],
        distiller.get(side) or {},
        f"{where} reads the recorder",
        side,
    )
    if record.get("connector") is not None:
        connectors = distiller.get("connectors") or {}
        check_name(
            record["connector"], connectors, f"{where} uses the connector", "connectors"
        )


def check_sources(recorders: Mapping, model: nn.Module, side: str) -> None:
    """Check that every recorded module exists in ``model``.

    Args:
        recorders: config of the recorders of one side.
        model: the network they look into.
        side: ``"teacher"`` or ``"student"``, for the message.

    Raises:
        ValueError: no module has the name, or the teacher never runs it.
    """
    modules = dict(model.named_modules())
    known = {
        "ModuleOutputs": modules,
        "ModuleInputs": modules,
        "Stages": modules,
        "Parameter": dict(model.named_parameters()),
    }
    faults = Faults()
    for name, recorder in recorders.items():
        kind = class_name(recorder.get("type", ""))
        source = recorder.get("source")
        if kind not in known or source is None:
            continue
        for module in _modules(source):
            if module == "" and kind != "Parameter":
                continue  # The network itself.
            where = f"the {side}'s recorder {name!r} looks for"
            network = f"{side} ({type(model).__name__})"
            with faults:
                check_name(module, known[kind], where, network)
            if side == "teacher" and module.split(".")[0] == "auxiliary_head":
                faults.found.append(
                    f"The teacher's recorder {name!r} looks into {module!r}, but the "
                    "teacher runs without its auxiliary head: record its backbone or "
                    "decode_head."
                )
    faults.refuse()


def _modules(source: str | Iterable[str]) -> list[str]:
    """Return the modules that a recorder names; behind a colon is what of them."""
    sources = [source] if isinstance(source, str) else source
    return [name.partition(":")[0] for name in sources]


def check_same_normalisation(ours: nn.Module | None, teacher: nn.Module) -> None:
    """Check that the teacher expects images as the training prepares them.

    Args:
        ours: data preprocessor of the training.
        teacher: the network, whose own data preprocessor is never run.

    Raises:
        ValueError: mean, std or the order of channels differ.
    """
    theirs = getattr(teacher, "data_preprocessor", None)
    if getattr(theirs, "mean", None) is None:
        return  # The teacher's config does not say what it was trained on.
    for name in ("mean", "std", "channel_conversion"):
        a, b = (_values(getattr(side, name, None)) for side in (ours, theirs))
        if a != b:
            raise ValueError(
                f"The training's data_preprocessor has {name}={a} and the "
                f"teacher's {b}: the teacher would see images that it was not trained "
                "on. Train the student with the teacher's data_preprocessor."
            )


def _values(value: Tensor | bool | None) -> list[float] | bool | None:
    return value.flatten().tolist() if isinstance(value, Tensor) else value
