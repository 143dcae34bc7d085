"""Tensors that were recorded, and whether they were changed in place since."""

import torch
from torch import Tensor

__all__ = ["Versions", "has_version"]


class Versions:
    """Tensors by names, with the versions that they had when they were recorded."""

    def __init__(self) -> None:
        self._noted: list[tuple[str, Tensor, int]] = []

    def note(self, name: str, tensor: Tensor, version: int | None = None) -> None:
        """Note a tensor.

        Args:
            name: of what recorded it.
            tensor: one that counts its changes; others are left out.
            version: when it was recorded, by default now.
        """
        if has_version(tensor):
            now = tensor._version if version is None else version
            self._noted.append((name, tensor, now))

    def changed(self) -> list[str]:
        """Return the names of those that were changed since, each once."""
        changed = (name for name, x, then in self._noted if x._version != then)
        return list(dict.fromkeys(changed))


def has_version(tensor: Tensor) -> bool:
    """Tell whether a tensor counts its changes in place.

    Those of inference mode do not, nor those of a network while it is compiled.

    Args:
        tensor: any.
    """
    return not (torch.compiler.is_compiling() or tensor.is_inference())
