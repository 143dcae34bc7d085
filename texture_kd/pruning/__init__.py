"""Filters that a network can do without."""

from texture_kd.pruning.filters import (
    following_norms,
    prunable_convolutions,
    pruning_rate,
    silence,
    smallest_filters,
    zero_filters,
    zeroed,
)
from texture_kd.pruning.removal import REMOVED, fit_to_state, remove_filters

__all__ = [
    "REMOVED",
    "fit_to_state",
    "following_norms",
    "prunable_convolutions",
    "pruning_rate",
    "remove_filters",
    "silence",
    "smallest_filters",
    "zero_filters",
    "zeroed",
]
