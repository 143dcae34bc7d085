"""Optimisers of a distillation that trains more than its student, and bfloat16."""

from texture_kd.optim.bfloat16 import BFloat16OptimWrapper
from texture_kd.optim.critic import CriticOptimWrapperConstructor
from texture_kd.optim.joint import JointOptimWrapper
from texture_kd.registry import register

__all__ = [
    "BFloat16OptimWrapper",
    "CriticOptimWrapperConstructor",
    "JointOptimWrapper",
]

register("OPTIM_WRAPPER_CONSTRUCTORS", CriticOptimWrapperConstructor)
register("OPTIM_WRAPPERS", BFloat16OptimWrapper)
