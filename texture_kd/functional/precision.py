"""Arithmetic in the precision of its tensors."""

from contextlib import AbstractContextManager, nullcontext

import torch

__all__ = ["rounds_to_float16", "without_autocast"]


def without_autocast(device: torch.device) -> AbstractContextManager:
    """Return a context in which autocast rounds nothing on a device.

    Where there is no autocast, as on the meta device and in exported graphs, it is
    none.

    Args:
        device: any.
    """
    kind = device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return torch.autocast(kind, enabled=False)
    return nullcontext()


def rounds_to_float16(device: torch.device) -> bool:
    """Tell whether autocast rounds to float16 there, whose gradients want a scaler.

    Args:
        device: any, one without autocast too.
    """
    kind = device.type
    return (
        torch.amp.is_autocast_available(kind)
        and torch.is_autocast_enabled(kind)
        and torch.get_autocast_dtype(kind) is torch.float16
    )
