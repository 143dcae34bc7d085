"""Optimisers of a distillation that trains more than its student."""

from texture_kd.optim.critic import CriticOptimWrapperConstructor
from texture_kd.optim.joint import JointOptimWrapper

__all__ = ["CriticOptimWrapperConstructor", "JointOptimWrapper"]
