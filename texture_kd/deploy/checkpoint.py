"""What a checkpoint of a training holds, read without running any of it."""

import ast
import math
import pickle
from typing import Any

from mmengine.config import Config
from mmengine.runner.checkpoint import _load_checkpoint
from torch import Tensor

_STUDENT, _OTHERS = "architecture.", ("teacher.", "distiller.")
_NUMBERS = {"inf": math.inf, "nan": math.nan}
# MMEngine writes keys between quotes as they are.
_UNSAFE = "'\"\\\n\r"


def read_checkpoint(path: str) -> dict:
    """Read a checkpoint to the CPU.

    Args:
        path: path or URL.

    Returns:
        What it holds, with ``meta`` and ``state_dict`` among it; of a file with weights
        alone these are the latter.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is truncated, corrupt or no checkpoint, or holds code.
    """
    try:
        checkpoint = _load_checkpoint(path, map_location="cpu")
    except (RuntimeError, pickle.UnpicklingError) as error:
        raise ValueError(str(error)) from error
    if not isinstance(checkpoint, dict):
        raise ValueError(f"{path} holds a {type(checkpoint).__name__}, and no weights")
    if "state_dict" not in checkpoint:
        checkpoint = dict(state_dict=checkpoint)
    state, meta = checkpoint["state_dict"], checkpoint.get("meta") or {}
    if not isinstance(state, dict) or not isinstance(meta, dict):
        raise ValueError(f"{path} holds no weights by name: it is no checkpoint")
    return dict(checkpoint, meta=meta)


def student_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of the student of a distillation, under their own names.

    Args:
        state: state dict of a distillation, or of a segmentor, which is returned whole.

    Returns:
        The segmentor's.
    """
    if any(name.startswith(_STUDENT) for name in state):
        return {
            name.removeprefix(_STUDENT): value
            for name, value in state.items()
            if name.startswith(_STUDENT)
        }
    return {k: v for k, v in state.items() if not k.startswith(_OTHERS)}


def trained_config(checkpoint: dict) -> Config:
    """Return the config that a checkpoint was trained with.

    MMEngine writes it as Python text into the checkpoint. It is read as values, and
    nothing in it is executed, imports included.

    Args:
        checkpoint: as :func:`read_checkpoint` returns it.

    Raises:
        ValueError: there is none, or it holds something else than values.
    """
    text = checkpoint["meta"].get("cfg")
    if not isinstance(text, str):
        raise ValueError(
            "the checkpoint holds no config (meta['cfg']), as those of MMEngine's "
            "runners do: give the file that the training wrote"
        )
    try:
        return Config(dict(map(_assignment, ast.parse(text).body)))
    except (SyntaxError, TypeError, LookupError, RecursionError, MemoryError) as error:
        raise ValueError(
            f"the checkpoint's config is none that MMEngine wrote: {error}"
        ) from error


def _assignment(node: ast.stmt) -> tuple[str, Any]:
    if not (
        isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name)
    ):
        raise _no_value(node)
    return node.targets[0].id, _value(node.value)


def _value(node: ast.expr) -> Any:
    """Return a literal, or what ``dict(...)`` of literals is."""
    match node:
        case ast.Call(func=ast.Name(id="dict"), args=args, keywords=pairs) if all(
            pair.arg for pair in pairs
        ):
            positional = [_value(arg) for arg in args]
            named = {pair.arg: _value(pair.value) for pair in pairs}
            return dict(*positional, **named)
        case ast.Dict(keys=keys, values=values) if all(map(_is_plain, keys)):
            return {
                _value(key): _value(value)
                for key, value in zip(keys, values, strict=True)
            }
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.UnaryOp(op=ast.USub(), operand=number):
            return -_value(number)
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name in _NUMBERS:
            return _NUMBERS[name]
    raise _no_value(node)


def _is_plain(key: ast.expr | None) -> bool:
    """Tell whether a key reads the same after MMEngine has written it."""
    if not isinstance(key, ast.Constant):
        return False
    return not any(mark in str(key.value) for mark in _UNSAFE)


def _no_value(node: ast.AST) -> ValueError:
    return ValueError(
        f"line {node.lineno} of the checkpoint's config is more than a value, "
        f"{ast.unparse(node)[:80]!r}: it is not run"
    )
