"""A method, by name or as terms: what it reads, and its terms for two networks."""

from collections.abc import Callable, Mapping
from pkgutil import resolve_name
from typing import Any

from texture_kd.recipes import LOGITS_ALONE, METHODS, Shapes, Term
from texture_kd.recipes.checks import check_options, check_terms

__all__ = ["Method", "method_terms", "reads_stages"]

Method = str | Callable[..., Mapping[str, Term]] | Mapping[str, Term]


def reads_stages(method: Method) -> bool:
    """Tell whether a method compares stages, and not logits alone.

    Args:
        method: a name in :data:`texture_kd.recipes.METHODS`; a function like those, or
            where one is, ``package.module:function``; or the terms, by name.

    Raises:
        ValueError: it is none of these, or the name is unknown.
    """
    if not isinstance(method, Mapping):
        _, recipe = _recipe(method)
        return not any(recipe is METHODS[name] for name in LOGITS_ALONE)
    # What is no term is refused when the terms are asked for.
    given = (getattr(term, "arguments", None) for term in method.values())
    return any(".stages" in str(arguments) for arguments in given)


def method_terms(
    method: Method, student: Shapes, teacher: Shapes, options: Mapping[str, Any]
) -> dict[str, Term]:
    """Return the terms of a method for two networks, checked but not built.

    Args:
        method: as :func:`reads_stages` takes it.
        student: sizes of what the student gives.
        teacher: the same of the teacher, with as many stages.
        options: of a method that is a function.

    Returns:
        The terms by name.

    Raises:
        ValueError: there is no such option, the stages do not fit the method, or a term
            cannot be built or called; the message names it and what there is.
    """
    if not isinstance(method, Mapping):
        name, recipe = _recipe(method)
        check_options(name, recipe, options)
        terms = recipe(student, teacher, **options)
        if not isinstance(terms, Mapping):
            raise ValueError(
                f"expected terms by name from the method {name!r}, got a "
                f"{type(terms).__name__}"
            )
    elif options:
        raise ValueError(
            f"terms of one's own have no options, got {', '.join(options)}"
        )
    else:
        terms = dict(method)
    check_terms(terms, len(student.stages))
    return terms


def _recipe(method: Any) -> tuple[str, Callable[..., Mapping[str, Term]]]:
    """Return a method's name and function."""
    if isinstance(method, str):
        if method in METHODS:
            return method, METHODS[method]
        if ":" in method:
            return method, _found(method)
        raise ValueError(
            f"there is no method {method!r}; there are {', '.join(METHODS)}, and "
            "functions of your own by package.module:function"
        )
    if not callable(method):
        raise ValueError(
            "expected the method as a name, as a function of two networks' sizes, or "
            "as terms by name, such as {'loss_mean': texture_kd.Term(...)}, got a "
            f"{type(method).__name__}"
        )
    return getattr(method, "__name__", repr(method)), method


def _found(name: str) -> Callable[..., Mapping[str, Term]]:
    """Import a function."""
    try:
        return resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"the method {name!r} is not found: {error}; is its folder on PYTHONPATH?"
        ) from error
