"""Reading MMEngine's checkpoints with ``torch.load(weights_only=True)``.

Such a checkpoint holds, beside tensors, the log history: ``HistoryBuffer`` objects
with NumPy arrays, NumPy scalars, and references to HistoryBuffer's own methods. They
are read through the stand-ins of :mod:`texture_kd.compat.stand_ins`, which are allowed
only while a file is read that PyTorch refused as it is: afterwards a program finds its
own list of safe globals as it made it. (PyTorch has one list for all threads: one that
loads NumPy arrays of its own at that very moment meets the stand-ins.)
"""

import contextlib
import errno
import functools
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPException
from types import ModuleType
from typing import Any
from urllib.error import URLError
from urllib.parse import urlparse

__all__ = ["explain_failures", "read_histories", "take_student"]

# What torch.load raises on bytes that are no checkpoint.
_CORRUPT = (
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
# What a machine without a way to the network raises, and a server without the file.
_NOT_FETCHED = (URLError, ConnectionError, TimeoutError, HTTPException)
# A distillation's parts, by the first word of their parameters' names.
_STUDENT, _PARTS = "architecture.", ("architecture.", "teacher.", "distiller.")
# The file is sound where torch complains of these.
_NOT_THE_FILE = ("cuda", "data location", "device", "memory")
_LOCK = threading.RLock()


@contextlib.contextmanager
def _standing_in(serialization: ModuleType) -> Iterator[None]:
    """Allow the stand-ins, and of the program's own globals those with other names."""
    from texture_kd.compat.stand_ins import STAND_INS

    with _LOCK:
        theirs = serialization.get_safe_globals()
        ours = [(stand_in, name) for name, stand_in in STAND_INS.items()]
        others = [item for item in theirs if _global_name(item) not in STAND_INS]
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
        if kwargs.get("weights_only") is False:
            return load(f, *args, **kwargs)
        start = f.tell() if hasattr(f, "seek") else None
        try:
            return load(f, *args, **kwargs)
        except pickle.UnpicklingError as refusal:
            if "GLOBAL" not in str(refusal):
                raise
        if start is not None:
            f.seek(start)
        with _standing_in(serialization):
            return load(f, *args, **dict(kwargs, weights_only=True))

    return load_with_histories


def explain_failures(load: Callable[..., Any]) -> Callable[..., Any]:
    """Make MMEngine's ``_load_checkpoint`` say in one sentence why a file is refused.

    What cannot be fetched is a ConnectionError, which of a URL says where a file by
    hand is looked for. A file that is not there keeps MMEngine's own error.
    """

    @functools.wraps(load)
    def load_or_explain(filename: str, *args, **kwargs) -> Any:
        try:
            return load(filename, *args, **kwargs)
        except pickle.UnpicklingError as error:
            if not _holds_code(error):
                raise _unreadable(filename, error) from error
            raise pickle.UnpicklingError(
                f"{filename} was refused: beside tensors and log histories it holds "
                "Python objects that may run code when they are loaded. Nothing of it "
                "was executed. Use a checkpoint from a source that you trust, or save "
                "its state_dict alone."
            ) from error
        except _NOT_FETCHED as error:
            raise _offline(filename, error) from error
        except ImportError as error:
            # The client of a store, which fetches as well.
            if "://" not in filename:
                raise
            raise _offline(filename, error) from error
        except _CORRUPT as error:
            if _is_sound(filename, error):
                raise
            raise _unreadable(filename, error) from error

    return load_or_explain


def take_student(load: Callable[..., Any]) -> Callable[..., Any]:
    """Make MMEngine's ``load_state_dict`` take the student out of a distillation.

    ``PlainStudentHook`` writes the student's weights under their own names as well.
    Where a network has all of these, the distillation's other names are no news. In a
    checkpoint that was written without the hook they stand behind ``architecture.``,
    and are taken from there, of which one line is said.
    """

    @functools.wraps(load)
    def load_student(
        module: Any, state_dict: dict, strict: bool = False, logger: Any = None
    ) -> Any:
        # Of wrappers for several processes or test-time augmentation.
        own = getattr(module, "module", module).state_dict()
        if own and all(_STUDENT + name in state_dict for name in own):
            if not all(name in state_dict for name in own):
                _say_taken(logger)
                state_dict = _under_own_names(state_dict)
            state_dict = _without_parts(state_dict)
        return load(module, state_dict, strict, logger)

    return load_student


def _say_taken(logger: Any) -> None:
    from mmengine.logging import print_log

    print_log(
        "The checkpoint is a distillation's, and its student is taken (what stands "
        f"behind {_STUDENT!r}). With PlainStudentHook in custom_hooks checkpoints have "
        "the student's own names too.",
        logger=logger,
    )


def _under_own_names(state: dict) -> dict:
    """Return a distillation's state dict with the student's own names added."""

    def renamed(names: dict) -> dict:
        return {
            name.removeprefix(_STUDENT): value
            for name, value in names.items()
            if name.startswith(_STUDENT)
        }

    named = type(state)({**state, **renamed(state)})
    metadata = getattr(state, "_metadata", {})
    named._metadata = {**metadata, **renamed(metadata)}
    return named


def _without_parts(state: dict) -> dict:
    """Return a distillation's state dict with the student's own names alone."""
    kept = type(state)(
        (name, value) for name, value in state.items() if not name.startswith(_PARTS)
    )
    if hasattr(state, "_metadata"):
        # PyTorch keeps the versions of its layers there.
        kept._metadata = state._metadata
    return kept


def _offline(filename: str, error: Exception) -> ConnectionError:
    import torch

    cause = str(getattr(error, "reason", None) or error).removesuffix(".")
    said = (
        f"{filename} cannot be fetched ({cause}). On a machine without a network give "
        "a file in its place"
    )
    url = _url(filename)
    # What comes from elsewhere is not kept.
    if not url.startswith(("http://", "https://")):
        return ConnectionError(f"{said}.")
    name = os.path.basename(urlparse(url).path)
    kept = os.path.join(torch.hub.get_dir(), "checkpoints", name)
    return ConnectionError(f"{said}, or put what is at {url} here by hand: {kept}")


def _url(filename: str) -> str:
    """Return the address behind MMEngine's name of a network's weights."""
    from mmengine.runner import checkpoint

    scheme, _, name = filename.partition("://")
    if scheme in ("open-mmlab", "openmmlab"):
        name = checkpoint.get_deprecated_model_names().get(name, name)
        return checkpoint.get_external_models().get(name, filename)
    if scheme == "mmcls":
        return checkpoint.get_mmcls_models().get(name, filename)
    if scheme in ("torchvision", "modelzoo"):
        return checkpoint.get_torchvision_models().get(name, filename)
    return filename


def _is_sound(filename: str, error: Exception) -> bool:
    # A seek before the start of a short file is an invalid argument; other errors of
    # the operating system say what they are about.
    if isinstance(error, OSError) and error.errno != errno.EINVAL:
        return True
    named = any(word in str(error).lower() for word in _NOT_THE_FILE)
    return named or not os.path.isfile(filename)


def _holds_code(error: pickle.UnpicklingError) -> bool:
    from texture_kd.compat.stand_ins import REFUSED

    return "GLOBAL" in str(error) or f"{REFUSED}: " in str(error)


def _unreadable(filename: str, error: Exception) -> RuntimeError:
    # PyTorch puts the cause behind its advice.
    cause = str(error).split("WeightsUnpickler error:")[-1].strip().split(". ")[0]
    return RuntimeError(
        f"{filename} cannot be read: the file is truncated, corrupt or not a "
        f"checkpoint ({type(error).__name__}: {cause})."
    )
