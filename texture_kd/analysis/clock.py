"""The time on a device."""

import time

import torch

__all__ = ["now"]


def now(device: torch.device) -> float:
    """Return the time in seconds at which all is done that a device was asked for.

    Args:
        device: a GPU is waited for.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
