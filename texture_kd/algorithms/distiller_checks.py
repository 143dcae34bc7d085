"""Checks of a distiller's config, so that a slip is named before anything is built.

MMRazor asserts some of this while it builds, and finds the rest at the first step.
"""

import difflib
from collections.abc import Iterable, Mapping
from inspect import Parameter, signature
from typing import Any

from mmrazor.models.distillers import ConfigurableDistiller
from mmrazor.registry import MODELS
from torch import Tensor, nn

from texture_kd.algorithms.faults import Faults
from texture_kd.ignore_index import with_ignore_index
from texture_kd.predicting_head import predicting_head
from texture_kd.registry import class_name

__all__ = [
    "check_class_counts",
    "check_mappings",
    "check_same_normalisation",
    "check_sources",
    "plain_distiller",
    "with_students_labels",
]

_RECORD_KEYS = tuple(signature(ConfigurableDistiller.get_record).parameters)[1:]
_SIDES = {True: "student_recorders", False: "teacher_recorders"}
# Read a single channel as the two classes that a sigmoid tells apart.
_READ_SIGMOIDS = ("AdversarialLoss", "FFTLoss", "LSFDLoss", "ResponseKDLoss")
# MMRazor's, that take a softmax over the channels.
_SOFTMAX_ONLY = ("DISTLoss", "KLDivergence")


def plain_distiller(distiller: Mapping) -> dict:
    """Return a distiller's config as MMRazor takes it.

    What a child config sets to None is left out, a loss with what it is given. Classes
    of recorders become names, which MMRazor puts "Recorder" behind.

    Args:
        distiller: config of MMRazor's ConfigurableDistiller.

    Raises:
        ValueError: a class of a recorder is not called so.
    """
    plain = dict(distiller)
    # A distiller of another kind need not have all of these.
    for key in plain.keys() & {"distill_losses", "connectors", *_SIDES.values()}:
        plain[key] = _without_none(distiller[key])
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
    for side in plain.keys() & {*_SIDES.values()}:
        plain[side] = {
            name: dict(recorder, type=_recorder_name(recorder["type"]))
            for name, recorder in plain[side].items()
        }
    return plain


def _without_none(parts: Mapping | None) -> dict:
    return {name: part for name, part in (parts or {}).items() if part is not None}


def _record(record: Any) -> Any:
    return _without_none(record) if isinstance(record, Mapping) else record


def _recorder_name(kind: str | type) -> str:
    if isinstance(kind, str):
        return kind
    path = f"{kind.__module__}.{kind.__qualname__}"
    if not path.endswith("Recorder"):
        raise ValueError(
            f"{path} is given as the type of a recorder: MMRazor wants a name there "
            "that ends in 'Recorder'. Call the class so."
        )
    return path.removesuffix("Recorder")


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
            _check_name(loss, losses, "loss_forward_mappings names the loss", "")
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
    kind = config["type"]
    cls = MODELS.get(kind) if isinstance(kind, str) else kind
    if cls is None:
        return  # The registry says it better when it builds the loss.
    parameters = dict(signature(cls.forward).parameters)
    parameters.pop("self", None)
    variadic = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    if any(p.kind in variadic for p in parameters.values()):
        return
    where = f"{loss} ({kind if isinstance(kind, str) else class_name(kind)})"
    faults = Faults()
    for argument in records:
        with faults:
            _check_name(argument, parameters, f"{where} is given the argument", "")
    for name, parameter in parameters.items():
        if parameter.default is Parameter.empty and name not in records:
            faults.found.append(
                f"{where} needs the argument {name!r}: map a record to it."
            )
    faults.refuse()


def _check_record(where: str, record: Mapping, distiller: Mapping) -> None:
    for key in record:
        _check_name(key, _RECORD_KEYS, f"{where} has the key", "loss_forward_mappings")
    for key in ("recorder", "from_student"):
        if key not in record:
            raise ValueError(f"{where} needs {key!r} in loss_forward_mappings.")
    side = _SIDES[bool(record["from_student"])]
    _check_name(
        record["recorder"],
        distiller.get(side) or {},
        f"{where} reads the recorder",
        side,
    )
    if record.get("connector") is not None:
        connectors = distiller.get("connectors") or {}
        _check_name(
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
        kind = class_name(recorder["type"])
        if kind not in known:
            continue
        for source in _modules(recorder["source"]):
            if source == "" and kind != "Parameter":
                continue  # The network itself.
            where = f"the {side}'s recorder {name!r} looks for"
            network = f"{side} ({type(model).__name__})"
            with faults:
                _check_name(source, known[kind], where, network)
            if side == "teacher" and source.split(".")[0] == "auxiliary_head":
                faults.found.append(
                    f"The teacher's recorder {name!r} looks into {source!r}, but the "
                    "teacher runs without its auxiliary head: record its backbone or "
                    "decode_head."
                )
    faults.refuse()


def _modules(source: str | Iterable[str]) -> list[str]:
    """Return the modules that a recorder names; behind a colon is what of them."""
    sources = [source] if isinstance(source, str) else source
    return [name.partition(":")[0] for name in sources]


def check_class_counts(
    distiller: Mapping, student: nn.Module, teacher: nn.Module
) -> None:
    """Check that teacher, student and losses know the same number of classes.

    Raises:
        ValueError: the two networks predict different numbers of classes, a loss has no
            use for a head of one channel, or one that learns from the labels has
            another number than the student.
    """
    _check_label_classes(distiller, student)
    models = {True: student, False: teacher}
    for loss, records in (distiller.get("loss_forward_mappings") or {}).items():
        counts = {}
        for record in records.values():
            side = bool(record["from_student"])
            recorder = distiller[_SIDES[side]][record["recorder"]]
            source = str(recorder.get("source"))
            if source.endswith("conv_seg") and not record.get("connector"):
                counts[side] = models[side].get_submodule(source).out_channels
        _check_counts(loss, distiller["distill_losses"][loss], counts)


def _check_counts(loss: str, config: Mapping, counts: Mapping[bool, int]) -> None:
    kind = class_name(config["type"])
    if 1 in counts.values() and kind in _SOFTMAX_ONLY:
        raise ValueError(
            f"{loss} ({kind}) compares softmax distributions, and that of a decode "
            "head with out_channels=1 is constant: take ResponseKDLoss, which reads it "
            "as a sigmoid"
        )
    plain = config.get("source") == "raw" or config.get("attention") == "logit"
    if {*counts.values()} == {1, 2} and kind in _READ_SIGMOIDS and not plain:
        return
    if len({*counts.values()}) > 1:
        raise ValueError(
            f"{loss} compares the logits of a student with {counts[True]} classes "
            f"and of a teacher with {counts[False]}: give both the same "
            "num_classes, and the same out_channels."
        )


def with_students_labels(distiller: Mapping, student: nn.Module) -> dict:
    """Have the losses ignore the label that the student's decode head ignores.

    Args:
        distiller: config of MMRazor's ConfigurableDistiller; it stays as it is.
        student: that learns from the labels.

    Returns:
        The config. Each loss that has ``ignore_index`` is given the head's.

    Raises:
        ValueError: a loss is written with another one.
    """
    ignored = getattr(predicting_head(student), "ignore_index", None)
    losses = distiller.get("distill_losses")
    if ignored is None or not losses:
        return dict(distiller)
    whose = "the student's decode head"
    given = {
        name: loss and with_ignore_index(name, loss, ignored, whose)
        for name, loss in losses.items()
    }
    return dict(distiller, distill_losses=given)


def _check_label_classes(distiller: Mapping, student: nn.Module) -> None:
    head = predicting_head(student)
    if not hasattr(head, "num_classes"):
        return
    # MMSegmentation's head for a single class has the labels 0 and 1.
    expected = max(2, head.num_classes)
    for name, loss in (distiller.get("distill_losses") or {}).items():
        if loss.get("num_classes") not in (None, expected):
            raise ValueError(
                f"{name} has num_classes={loss['num_classes']}, and the labels that "
                f"the student learns from have {expected}: set {name}.num_classes="
                f"{expected}"
            )


def check_same_normalisation(ours: nn.Module, theirs: nn.Module) -> None:
    """Check that the teacher expects images as the training prepares them.

    Args:
        ours: data preprocessor of the training.
        theirs: data preprocessor of the teacher, which is never run.

    Raises:
        ValueError: mean, std or the order of channels differ.
    """
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


def _check_name(name: str, known: Iterable[str], what: str, where: str) -> None:
    known = [str(key) for key in known if key]
    if name in known:
        return
    close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5) or known[:8]
    place = f" in {where}" if where else ""
    hint = f"; did you mean {', '.join(close)}?" if close else "."
    raise ValueError(f"{what} {name!r}, which does not exist{place}{hint}")
