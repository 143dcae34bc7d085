"""Reading MMEngine's checkpoints with ``torch.load(weights_only=True)``.

Such a checkpoint holds, beside tensors, the log history: ``HistoryBuffer`` objects
with NumPy arrays, NumPy scalars, and references to HistoryBuffer's own methods. The
unpickler may call whatever it is allowed to see, so the real ``numpy.ndarray``,
``numpy.dtype`` and ``getattr`` stay out of its sight (an object array over forged
bytes crashes the process); each is replaced by a stand-in that builds plain numbers
and nothing else.

The stand-ins are allowed only while a file is read that PyTorch refused as it is: a
program that allows globals of its own finds its list as it made it.
"""

import contextlib
import functools
import pickle
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["explain_failures", "read_histories"]

_NUMERIC_KINDS = "biufc"
_STATISTICS = ("min", "max", "mean", "current")
# What torch.load raises on bytes that are no checkpoint; OSError is not among them.
_CORRUPT = (
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
_REFUSED = "refused"


def _refused(what: str) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(f"{_REFUSED}: {what}")


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


_STAND_INS = {
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
_LOCK = threading.RLock()


@contextlib.contextmanager
def _standing_in(serialization: ModuleType) -> Iterator[None]:
    """Allow the stand-ins, and of the program's own globals those with other names."""
    with _LOCK:
        theirs = serialization.get_safe_globals()
        ours = [(stand_in, name) for name, stand_in in _STAND_INS.items()]
        others = [item for item in theirs if _global_name(item) not in _STAND_INS]
        serialization.clear_safe_globals()
        serialization.add_safe_globals(ours + others)
        try:
            yield
        finally:
            serialization.clear_safe_globals()
            serialization.add_safe_globals(theirs)


def _global_name(item: Any) -> str:
    if isinstance(item, tuple):
        return item[1]
    return f"{item.__module__}.{item.__qualname__}"


def read_histories(serialization: ModuleType) -> Callable[..., Any]:
    """Return ``torch.load`` with a second try for MMEngine's log histories.

    Args:
        serialization: the module ``torch.serialization``.
    """
    load = serialization.load

    @functools.wraps(load)
    def load_with_histories(f: Any, *args, **kwargs) -> Any:
        start = f.tell() if hasattr(f, "seek") else None
        try:
            return load(f, *args, **kwargs)
        except pickle.UnpicklingError as refusal:
            if "GLOBAL" not in str(refusal):
                raise
        if start is not None:
            f.seek(start)
        with _standing_in(serialization):
            return load(f, *args, **kwargs)

    return load_with_histories


def explain_failures(load: Callable[..., Any]) -> Callable[..., Any]:
    """Make MMEngine's ``_load_checkpoint`` say in one sentence why a file is refused.

    A file that is not there keeps MMEngine's own error, which already says it.
    """

    @functools.wraps(load)
    def load_or_explain(filename: str, *args, **kwargs) -> Any:
        try:
            return load(filename, *args, **kwargs)
        except pickle.UnpicklingError as error:
            if not {"GLOBAL", _REFUSED} & set(str(error).replace(":", " ").split()):
                raise _unreadable(filename, error) from error
            raise pickle.UnpicklingError(
                f"{filename} was refused: beside tensors and log histories it holds "
                "Python objects that may run code when they are loaded. Nothing of it "
                "was executed. Use a checkpoint from a source that you trust, or save "
                "its state_dict alone."
            ) from error
        except _CORRUPT as error:
            raise _unreadable(filename, error) from error

    return load_or_explain


def _unreadable(filename: str, error: Exception) -> RuntimeError:
    return RuntimeError(
        f"{filename} cannot be read: the file is truncated, corrupt or not a "
        f"checkpoint ({type(error).__name__})."
    )
