"""How many channels the images of a network have."""

from torch import Tensor, nn

__all__ = ["input_channels"]


def input_channels(network: nn.Module) -> int:
    """Return how many channels a segmentor's images have.

    Args:
        network: a segmentor, or a distillation, whose student is asked.

    Returns:
        The number of means that its data preprocessor has. One mean may be for all
        channels, and there may be none: then the backbone's first convolution says it,
        and 3 where there is no such either.
    """
    network = getattr(network, "student", network)
    mean = getattr(getattr(network, "data_preprocessor", None), "mean", None)
    if isinstance(mean, Tensor) and mean.numel() > 1:
        return mean.numel()
    layers = getattr(network, "backbone", network).modules()
    first = next((m for m in layers if isinstance(m, nn.Conv2d)), None)
    return 3 if first is None else first.in_channels
