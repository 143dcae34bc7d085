"""MMEngine hooks."""

from texture_kd.hooks.num_classes_check import NumClassesCheckHook

__all__ = ["NumClassesCheckHook"]
