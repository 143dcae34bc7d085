"""The head of a network that predicts."""

from torch import nn

__all__ = ["predicting_head"]


def predicting_head(network: nn.Module) -> nn.Module | None:
    """Return a network's decode head, of a cascade the last, or None if it has none.

    Args:
        network: a segmentor, or what may be one.
    """
    head = getattr(network, "decode_head", None)
    return head[-1] if isinstance(head, nn.ModuleList) else head
