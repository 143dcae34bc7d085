"""Methods of distillation, a file each: which losses on what of two networks."""

from texture_kd.recipes.explicit import explicit
from texture_kd.recipes.features import fitnet, pkd
from texture_kd.recipes.response import response
from texture_kd.recipes.sstkd import sstkd
from texture_kd.recipes.term import Shapes, Term
from texture_kd.recipes.texture import texture

__all__ = [
    "METHODS",
    "Shapes",
    "Term",
    "explicit",
    "fitnet",
    "pkd",
    "response",
    "sstkd",
    "texture",
]

#: The methods by name: functions of the sizes of both networks' stages and logits, and
#: of options, that return the terms by name.
METHODS = {
    "explicit": explicit,
    "fitnet": fitnet,
    "pkd": pkd,
    "response": response,
    "sstkd": sstkd,
    "texture": texture,
}
