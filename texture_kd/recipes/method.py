"""A method, by name or as terms: what it reads, and its terms for two networks."""

from collections.abc import Mapping
from typing import Any

from texture_kd.recipes import LOGITS_ALONE, METHODS, Shapes, Term
from texture_kd.recipes.checks import check_options, check_terms

__all__ = ["Method", "method_terms", "reads_stages"]

Method = str | Mapping[str, Term]


def reads_stages(method: Method) -> bool:
    """Tell whether a method compares stages, and not logits alone.

    Args:
        method: a name in :data:`texture_kd.recipes.METHODS`, or the terms, by name.

    Raises:
        ValueError: it is neither, or the name is unknown.
    """
    if isinstance(method, str):
        if method not in METHODS:
            raise ValueError(
                f"there is no method {method!r}; there are {', '.join(METHODS)}"
            )
        return method not in LOGITS_ALONE
    if not isinstance(method, Mapping):
        raise ValueError(
            "expected the method as a name or as terms by name, such as "
            f"{{'loss_mean': texture_kd.Term(...)}}, got a {type(method).__name__}"
        )
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
        options: of a method that goes by its name.

    Returns:
        The terms by name.

    Raises:
        ValueError: there is no such option, the stages do not fit the method, or a term
            cannot be built or called; the message names it and what there is.
    """
    if isinstance(method, str):
        recipe = METHODS[method]
        check_options(method, recipe, options)
        terms = recipe(student, teacher, **options)
    elif options:
        raise ValueError(
            f"terms of one's own have no options, got {', '.join(options)}"
        )
    else:
        terms = dict(method)
    check_terms(terms, len(student.stages))
    return terms
