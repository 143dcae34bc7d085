"""What stands in for NumPy and HistoryBuffer while a checkpoint is read.

The unpickler may call whatever it is allowed to see, as often as the file says, so the
real ``numpy.ndarray``, ``numpy.dtype`` and ``getattr`` stay out of its sight (an object
array over forged bytes crashes the process). Each stand-in builds plain numbers and
nothing else.
"""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["REFUSED", "STAND_INS", "NumericArray"]

_NUMERIC_KINDS = "biufc"
_STATISTICS = ("min", "max", "mean", "current")
REFUSED = "refused"


def _refused(what: str) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(f"{REFUSED}: {what}")


class NumericDType:
    """Stands in for ``numpy.dtype``: booleans, integers, floats, complex numbers."""

    def __init__(self, code: str, align: bool = False, copy: bool = False) -> None:
        dtype = np.dtype(code) if isinstance(code, str) else None
        if dtype is None or dtype.kind not in _NUMERIC_KINDS:
            raise _refused(f"array of {code!r}, which is not numeric")
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
            raise _refused("array whose size and data do not agree")
        return np.frombuffer(data, self.dtype)


class NumericArray(np.ndarray):
    """Stands in for ``numpy.ndarray``: starts empty and takes numbers only."""

    def __new__(cls) -> "NumericArray":
        """Create an empty array; there is nothing to choose."""
        return super().__new__(cls, 0)

    def __setstate__(self, state: tuple) -> None:
        # A second state would free the memory under a tensor made from the first.
        if vars(self).setdefault("filled", False):
            raise _refused("array that is filled twice")
        self.filled = True
        _, shape, dtype, is_fortran, data = state
        if not isinstance(dtype, NumericDType):
            raise _refused("array without a numeric dtype")
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
        raise _refused("scalar without a numeric dtype")
    return dtype.read(data, 1)[0]


def empty_bytes() -> bytes:
    """Stand in for ``bytes``, which protocol 2 calls for the data of empty arrays."""
    return b""


class History:
    """Stands in for MMEngine's ``HistoryBuffer`` and becomes one when it is created.

    MMEngine is imported then and not before.
    """

    def __new__(cls) -> Any:
        """Create an empty HistoryBuffer, which takes its state from the file."""
        from mmengine.logging import HistoryBuffer
        from torch.serialization import add_safe_globals

        # As the type of what is created here; its own name stays the stand-in's.
        add_safe_globals([(HistoryBuffer, f"{__name__}.HistoryBuffer")])
        return HistoryBuffer.__new__(HistoryBuffer)


def statistics_method(owner: type, name: str) -> Callable:
    """Stand in for ``getattr``, for the four statistics of HistoryBuffer alone."""
    if owner is not History or name not in _STATISTICS:
        raise _refused(f"attribute {name!r} of {owner!r}")
    from mmengine.logging import HistoryBuffer

    return getattr(HistoryBuffer, name)


STAND_INS = {
    "mmengine.logging.history_buffer.HistoryBuffer": History,
    "numpy.ndarray": NumericArray,
    "numpy.dtype": NumericDType,
    "numpy.core.multiarray._reconstruct": reconstruct_array,
    "numpy._core.multiarray._reconstruct": reconstruct_array,
    "numpy.core.multiarray.scalar": read_scalar,
    "numpy._core.multiarray.scalar": read_scalar,
    "builtins.getattr": statistics_method,
    "builtins.bytes": empty_bytes,
}
