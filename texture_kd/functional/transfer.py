"""How a tensor gets from the CPU to a GPU in the middle of a step."""

import torch
from torch import Tensor


def sent(x: Tensor, device: torch.device) -> Tensor:
    """Copy a tensor to a device, without waiting for what that has still to do.

    Args:
        x: tensor on the CPU, or already there, which is not written to afterwards.
        device: where it is needed.

    Returns:
        The same on the device; ``x`` itself where it is there.
    """
    # From other memory of the CPU a GPU cannot fetch it at its own time.
    if x.device.type == "cpu" and device.type == "cuda":
        x = x.pin_memory()
    # MPS would read it when it may be freed already.
    return x.to(device, non_blocking=device.type != "mps")
