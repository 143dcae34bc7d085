"""An optimiser of a distillation by the student's own constructor."""

from collections.abc import Callable, Mapping

from mmengine.optim import OptimWrapper
from torch import nn

__all__ = ["distillation_optim_wrapper"]

_STUDENT, _DISTILLER = "architecture.", "distiller."


def distillation_optim_wrapper(
    build: Callable[[nn.Module, Mapping], OptimWrapper],
    student: nn.Module,
    distiller: nn.Module,
    config: Mapping,
) -> OptimWrapper:
    """Build a student's optimiser as in its own training, and add the distiller's.

    Constructors such as ``LearningRateDecayOptimizerConstructor`` look into the network
    that they are given, and ``custom_keys`` such as ``head`` mean the student's: what
    the distiller learns beside it follows the general options, those keys that begin
    with ``distiller``, and those that name something of it and nothing of the student,
    such as ``connectors``.

    Args:
        build: MMEngine's ``build_optim_wrapper``.
        student: the network that is trained.
        distiller: what may have parameters beside it.
        config: of one optimiser, with ``constructor`` or ``paramwise_cfg``.
    """
    wrapper = build(student, _with_keys(config, _of_student))
    if any(parameter.requires_grad for parameter in distiller.parameters()):
        plain = {key: value for key, value in config.items() if key != "constructor"}
        beside = build(distiller, _with_keys(plain, _distillers(student, distiller)))
        names = {id(p): f"{_DISTILLER}{n}" for n, p in distiller.named_parameters()}
        for group in beside.optimizer.param_groups:
            # All groups have names, or none.
            if "param_names" in wrapper.optimizer.param_groups[0]:
                group["param_names"] = [names[id(p)] for p in group["params"]]
            wrapper.optimizer.add_param_group(group)
    return wrapper


def _with_keys(config: Mapping, own: Callable[[str], str | None]) -> dict:
    """Return a config with those custom keys that are of a part, as it calls them."""
    options = dict(config.get("paramwise_cfg") or {})
    keys = options.get("custom_keys")
    if keys:
        named = {own(key): value for key, value in keys.items()}
        named.pop(None, None)
        options["custom_keys"] = named
    return dict(config, paramwise_cfg=options)


def _of_student(key: str) -> str | None:
    if f"{key}.".startswith(_DISTILLER):
        return None
    # All of it has the key of the whole.
    return "" if f"{key}." == _STUDENT else key.removeprefix(_STUDENT)


def _distillers(
    student: nn.Module, distiller: nn.Module
) -> Callable[[str], str | None]:
    """Return what tells which keys are of the distiller, and how it calls them."""
    theirs = [name for name, _ in student.named_parameters()]
    own = [name for name, _ in distiller.named_parameters()]

    def of_distiller(key: str) -> str | None:
        if f"{key}.".startswith(_DISTILLER):
            return "" if f"{key}." == _DISTILLER else key.removeprefix(_DISTILLER)
        if any(key in name for name in theirs) or key.startswith(_STUDENT):
            return None
        return key if any(key in name for name in own) else None

    return of_distiller
