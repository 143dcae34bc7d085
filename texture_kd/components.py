"""Registers everything that a config can name. This is the one line to import.

    custom_imports = dict(imports=['texture_kd.components'])

Each component goes by its class name in MMRazor's and MMSegmentation's registries, and
with the scope ``texture_kd.`` in front anywhere else. A package of components registers
its own when it is imported.
"""

from texture_kd import (  # noqa: F401
    algorithms,
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

__all__: list[str] = []
