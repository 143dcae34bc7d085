"""What of ``mmcv.ops`` works without compiled operators (mmcv-lite)."""

import importlib
from types import ModuleType

__all__ = ["fill"]

_ADVICE = "it needs mmcv's compiled operators. Install full mmcv instead of mmcv-lite"


def sigmoid_focal_loss(*args, **kwargs):
    """Stand in for the compiled operator, which MMSegmentation imports eagerly.

    Raises:
        RuntimeError: always; the operator cannot run under mmcv-lite.
    """
    raise RuntimeError(f"mmcv.ops.sigmoid_focal_loss was called, but {_ADVICE}.")


def fill(module: ModuleType) -> None:
    """Make ``module`` (``mmcv.ops``, not executed) usable without compiled operators.

    ``point_sample`` is the real one; ``sigmoid_focal_loss`` raises when called; any
    other name raises :class:`ModuleNotFoundError`, which is what MMSegmentation's own
    fallbacks catch.
    """

    def __getattr__(name: str):
        if name.startswith("__"):
            raise AttributeError(f"module 'mmcv.ops' has no attribute {name!r}")
        raise ModuleNotFoundError(f"mmcv.ops.{name} is not available: {_ADVICE}.")

    module.__getattr__ = __getattr__
    module.sigmoid_focal_loss = sigmoid_focal_loss
    pure = importlib.import_module("mmcv.ops.point_sample")
    module.point_sample = pure.point_sample
