"""Reading MMEngine's checkpoints with ``torch.load(weights_only=True)``.

Such a checkpoint holds, beside tensors, the log history: ``HistoryBuffer`` objects
with NumPy arrays, NumPy scalars, and references to HistoryBuffer's own methods. The
unpickler may call whatever it is allowed to see, so the real ``numpy.ndarray``,
``numpy.dtype`` and ``getattr`` stay out of its sight (an object array over forged
bytes crashes the process); each is replaced by a stand-in that builds plain numbers
and nothing else.
"""

import functools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

__all__ = ["allow_mmengine_globals", "explain_failures"]

_NUMERIC_KINDS = "biufc"
_STATISTICS = ("min", "max", "mean", "current")


class NumericDType:
    """Stands in for ``numpy.dtype``: booleans, integers, floats, complex numbers."""

    def __init__(self, code: str, align: bool = False, copy: bool = False) -> None:
        dtype = np.dtype(code) if isinstance(code, str) else None
        if dtype is None or dtype.kind not in _NUMERIC_KINDS:
            raise pickle.UnpicklingError(f"array of {code!r}, which is not numeric")
        self.dtype = dtype

    def __setstate__(self, state: tuple) -> None:
        byte_order = state[1]
        if byte_order in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(byte_order)

    def read(self, data: bytes | str, count: int) -> np.ndarray:
        """Return ``count`` numbers read from ``data``."""
        # torch.save writes protocol 2, which spells bytes as a latin-1 string.
        data = data.encode("latin-1") if isinstance(data, str) else data
        if not isinstance(data, bytes) or len(data) != count * self.dtype.itemsize:
            raise pickle.UnpicklingError("array whose size and data do not agree")
        return np.frombuffer(data, self.dtype)


class NumericArray(np.ndarray):
    """Stands in for ``numpy.ndarray``: starts empty and takes numbers only."""

    def __new__(cls) -> "NumericArray":
        """Create an empty array; there is nothing to choose."""
        return super().__new__(cls, 0)

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, is_fortran, data = state
        if not isinstance(dtype, NumericDType):
            raise pickle.UnpicklingError("array without a numeric dtype")
        values = dtype.read(data, int(np.prod(shape, dtype=np.int64)))
        native = values.astype(values.dtype.newbyteorder("="))
        order = "F" if is_fortran else "C"
        super().__setstate__(native.reshape(shape, order=order).__reduce__()[2])

    def __reduce_ex__(self, protocol: int) -> tuple:
        # Saved again, it is an ordinary array: no checkpoint refers to this class.
        return np.asarray(self).__reduce_ex__(protocol)


def reconstruct_array(cls: type, shape: tuple, typecode: object) -> NumericArray:
    """Stand in for ``numpy._core.multiarray._reconstruct``."""
    return NumericArray()


def read_scalar(dtype: NumericDType, data: bytes | str) -> np.generic:
    """Stand in for ``numpy._core.multiarray.scalar``."""
    if not isinstance(dtype, NumericDType):
        raise pickle.UnpicklingError("scalar without a numeric dtype")
    return dtype.read(data, 1)[0]


def statistics_method(owner: type, name: str) -> Callable:
    """Stand in for ``getattr``, for the four statistics of HistoryBuffer alone."""
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in _STATISTICS:
        raise pickle.UnpicklingError(f"attribute {name!r} of {owner!r}")
    return getattr(owner, name)


def allow_mmengine_globals() -> None:
    """Let ``torch.load(weights_only=True)`` read MMEngine's checkpoints."""
    from mmengine.logging import HistoryBuffer

    stand_ins = [
        HistoryBuffer,
        NumericArray,
        NumericDType,
        (NumericArray, "numpy.ndarray"),
        (NumericDType, "numpy.dtype"),
        (statistics_method, "builtins.getattr"),
    ]
    for core in ("numpy.core", "numpy._core"):
        stand_ins += [
            (reconstruct_array, f"{core}.multiarray._reconstruct"),
            (read_scalar, f"{core}.multiarray.scalar"),
        ]
    torch.serialization.add_safe_globals(stand_ins)


def explain_failures(load: Callable[..., Any]) -> Callable[..., Any]:
    """Make MMEngine's ``_load_checkpoint`` say in one sentence why a file is refused.

    A file that is not there keeps MMEngine's own error, which already says it.
    """

    @functools.wraps(load)
    def load_or_explain(filename: str, *args, **kwargs) -> Any:
        try:
            return load(filename, *args, **kwargs)
        except pickle.UnpicklingError as error:
            raise pickle.UnpicklingError(
                f"{filename} was refused: it is no plain checkpoint of tensors and "
                "log histories, and its content may run code when it is loaded. "
                "Nothing of it was executed. Use a checkpoint from a source that you "
                "trust, or export its state_dict alone."
            ) from error
        except (EOFError, RuntimeError) as error:
            raise RuntimeError(
                f"{filename} cannot be read: the file is truncated, corrupt or no "
                f"checkpoint at all ({error})."
            ) from error

    return load_or_explain
