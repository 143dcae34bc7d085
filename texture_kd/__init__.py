"""texture_kd: texture knowledge distillation for semantic segmentation.

This file stays light on purpose: it is imported at every ``import torch`` by the
stack bridge (:mod:`texture_kd.compat`), so it must import neither torch nor
OpenMMLab. What is named here is imported when it is asked for.
"""

from importlib import import_module

__version__ = "0.1.0"

_MODULES = {
    "Distiller": "distiller",
    "Term": "recipes",
    **dict.fromkeys(
        (
            "AdversarialLoss",
            "CDMLoss",
            "CWDLoss",
            "DS2D2Loss",
            "DTIEMLoss",
            "DistillationLoss",
            "FAKDLoss",
            "FFTLoss",
            "FeatureKDLoss",
            "LSFDLoss",
            "PairwiseKDLoss",
            "ResponseKDLoss",
            "TextureLoss",
        ),
        "losses",
    ),
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
