"""MMEngine hooks."""

from texture_kd.hooks.critic_optimizer_check import CriticOptimizerCheckHook
from texture_kd.hooks.num_classes_check import NumClassesCheckHook
from texture_kd.hooks.plain_student import PlainStudentHook
from texture_kd.hooks.random_state import RandomStateHook
from texture_kd.hooks.soft_filter_pruning import SoftFilterPruningHook

__all__ = [
    "CriticOptimizerCheckHook",
    "NumClassesCheckHook",
    "PlainStudentHook",
    "RandomStateHook",
    "SoftFilterPruningHook",
]
