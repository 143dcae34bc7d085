"""What is refused of a method and of its terms, before anything is built."""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from inspect import Parameter, signature
from numbers import Real
from typing import Any

from torch import nn

from texture_kd.recipes.term import Term

__all__ = ["check_options", "check_terms"]

_SOURCE = re.compile(r"images|valid|labels|(student|teacher)\.(stages(\.\d+)?|logits)")
_NAMED = Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY


def check_options(method: str, recipe: Callable, options: Mapping[str, Any]) -> None:
    """Refuse options that a method does not have.

    Args:
        method: its name, for the message.
        recipe: its function of the sizes of both networks and of options.
        options: what it is to be given.

    Raises:
        ValueError: there is no such option.
    """
    parameters = [*signature(recipe).parameters.values()][2:]
    _check_names(f"the method {method!r} is", options, "it", parameters)


def check_terms(terms: Mapping[str, Term], stages: int) -> None:
    """Refuse terms that cannot be built or called.

    Args:
        terms: by name.
        stages: how many there are of each network.

    Raises:
        ValueError: one is no term, or it gives its loss an argument or an option that
            this does not have, or lacks one that it needs, or an argument that is
            nothing of both networks, or an option that is no number where the loss
            takes one.
    """
    for name, term in terms.items():
        _check_kind(name, term)
        _check_sources(name, term.arguments, stages)
        loss, cls = term.loss, _class(term.loss)
        giver = f"the term {name!r} is"
        if cls is loss:
            parameters = signature(loss).parameters
            _check_names(giver, term.options, cls.__name__, parameters.values())
            _check_numbers(giver, term.options, parameters)
        elif term.options:
            raise ValueError(
                f"{giver} given a {cls.__name__} that is built, and options, "
                f"{_listed(term.options)}: give the class"
            )
        parameters = [*signature(loss.forward).parameters.values()][cls is loss :]
        _check_names(giver, term.arguments, f"{cls.__name__}.forward", parameters)


def _check_kind(name: str, term: Any) -> None:
    if not isinstance(term, Term):
        raise ValueError(
            f"expected the term {name!r} as texture_kd.Term(loss, arguments), got "
            f"{_described(term)}"
        )
    if not issubclass(_class(term.loss), nn.Module):
        raise ValueError(
            f"expected the loss of the term {name!r} as a torch.nn.Module or a class "
            f"of such, got {_described(term.loss)}"
        )
    for field in ("arguments", "options"):
        value = getattr(term, field)
        if not isinstance(value, Mapping):
            raise ValueError(
                f"expected the {field} of the term {name!r}, with "
                f"{_described(term.loss)}, as a dict, got {_described(value)}"
            )


def _check_sources(name: str, arguments: Mapping[str, str], stages: int) -> None:
    for argument, source in arguments.items():
        if not isinstance(source, str) or not _SOURCE.fullmatch(source):
            raise ValueError(
                f"the term {name!r} has {argument}={source!r}: expected images, valid, "
                "labels, or student or teacher with .stages, .stages.I or .logits"
            )
        index = source.rpartition(".")[2]
        if index.isdigit() and int(index) >= stages:
            raise ValueError(
                f"the term {name!r} has {argument}={source!r}, and there are "
                f"{stages} stages, from 0"
            )


def _check_names(
    giver: str, given: Iterable[str], taker: str, parameters: Iterable[Parameter]
) -> None:
    """Refuse names that are not taken, and the lack of those that are needed."""
    parameters = [*parameters]
    names = [x.name for x in parameters if x.kind in _NAMED]
    if not any(x.kind is Parameter.VAR_KEYWORD for x in parameters):
        for name in given:
            if name not in names:
                raise ValueError(
                    f"{giver} given {name!r}, and {taker} takes {_listed(names)}"
                    f"{_hint(str(name), names)}"
                )
    for parameter in parameters:
        needed = parameter.kind in _NAMED and parameter.default is Parameter.empty
        if needed and parameter.name not in given:
            raise ValueError(
                f"{giver} not given {parameter.name!r}, which {taker} needs"
            )


def _check_numbers(
    giver: str, options: Mapping[str, Any], parameters: Mapping[str, Parameter]
) -> None:
    """Refuse words where a loss says that it takes a number."""
    for name, value in options.items():
        number = name in parameters and parameters[name].annotation in (int, float)
        if number and not isinstance(value, Real):
            raise ValueError(f"{giver} given {name}={value!r}, which is no number")


def _hint(name: str, names: Iterable[str]) -> str:
    lower = {x.lower(): x for x in names}
    close = get_close_matches(name.lower(), lower, n=1, cutoff=0.75)
    return f": did you mean {lower[close[0]]!r}?" if close else ""


def _class(loss: Any) -> type:
    return loss if isinstance(loss, type) else type(loss)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(str, names)) or "nothing"


def _described(value: Any) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"a {type(value).__name__}"
