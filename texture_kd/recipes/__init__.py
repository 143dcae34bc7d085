"""Methods of distillation: which losses on what of two networks."""

from texture_kd.recipes.ds2d2 import ds2d2
from texture_kd.recipes.features import fitnet, pkd
from texture_kd.recipes.last_stage import fakd, lsfd, skd
from texture_kd.recipes.logits import cwd, response
from texture_kd.recipes.sstkd import sstkd
from texture_kd.recipes.term import Shapes, Term
from texture_kd.recipes.texture import texture

__all__ = [
    "LOGITS_ALONE",
    "METHODS",
    "Shapes",
    "Term",
    "cwd",
    "ds2d2",
    "fakd",
    "fitnet",
    "lsfd",
    "pkd",
    "response",
    "skd",
    "sstkd",
    "texture",
]

#: The methods by name: functions of the sizes of both networks' stages and logits, and
#: of options, that return the terms by name.
METHODS = {
    "cwd": cwd,
    "ds2d2": ds2d2,
    "fakd": fakd,
    "fitnet": fitnet,
    "lsfd": lsfd,
    "pkd": pkd,
    "response": response,
    "skd": skd,
    "sstkd": sstkd,
    "texture": texture,
}

#: Those that compare no stages, and need none.
LOGITS_ALONE = frozenset({"cwd", "response"})
