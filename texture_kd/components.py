"""Registers everything that a config can name. This is the one line to import.

    custom_imports = dict(imports=['texture_kd.components'])

Each component goes by its class name in MMRazor's and MMSegmentation's registries, and
with the scope ``texture_kd.`` in front anywhere else. A package of components registers
its own when it is imported, but for the losses, which need no registry.
"""

from texture_kd import (  # noqa: F401
    algorithms,
    amplifiers,
    analysis,
    connectors,
    datasets,
    decode_heads,
    hooks,
    losses,
    optim,
    recorders,
    segmentors,
    whole_file,
)
from texture_kd.registry import register

__all__: list[str] = []

_NAMES = set(losses.__all__) - {"DistillationLoss"}
register("MODELS", *(getattr(losses, name) for name in sorted(_NAMES)))
