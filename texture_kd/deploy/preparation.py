"""How images are prepared for a network, by its pipeline or by itself."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from torch import nn

from texture_kd.input_channels import input_channels
from texture_kd.registry import class_name

__all__ = ["Preparation", "preparation"]


class Preparation(NamedTuple):
    """What is done with the pixels of an image.

    Attributes:
        mean: what is subtracted of each channel.
        std: what it is divided by then.
        channels: their order, ``RGB`` or ``BGR``; or ``grey`` for a single one.
    """

    mean: list[float]
    std: list[float]
    channels: str


def preparation(network: nn.Module, pipeline: Sequence[Mapping]) -> Preparation:
    """Say how images are prepared, so that mean and std can be used as they are.

    Args:
        network: a segmentor with its data preprocessor.
        pipeline: its test pipeline.

    Returns:
        Of whoever normalises; means of 0 and deviations of 1 where nobody does.

    Raises:
        ValueError: pipeline and network both do.
    """
    prepare, count = network.data_preprocessor, input_channels(network)
    steps = [s for s in _steps(pipeline) if class_name(s["type"]) == "Normalize"]
    own = hasattr(prepare, "mean")
    if len(steps) + own > 1:
        raise ValueError(
            "images are normalised more than once, by Normalize in the test pipeline "
            "and by the data preprocessor, and a graph would have to say how: leave "
            "mean and std to one of them"
        )
    # It leaves other numbers of channels as they are.
    swapped = count == 3 and bool(getattr(prepare, "channel_conversion", False))
    mean, std = [0.0], [1.0]
    if steps:
        mean, std = (list(map(float, steps[0][key])) for key in ("mean", "std"))
        if swapped:
            # The preprocessor swaps what is normalised already.
            mean, std = mean[::-1], std[::-1]
        swapped ^= bool(steps[0].get("to_rgb", True))
    elif own:
        mean, std = (getattr(prepare, k).flatten().tolist() for k in ("mean", "std"))
    # One value may be for all.
    mean, std = (x * count if len(x) == 1 else x for x in (mean, std))
    order = "RGB" if swapped else "BGR"
    return Preparation(mean, std, "grey" if count == 1 else order)


def _steps(pipeline: Any) -> Iterator[Mapping]:
    """Find all transforms, those inside others too."""
    if isinstance(pipeline, Mapping):
        if "type" in pipeline:
            yield pipeline
        pipeline = pipeline.values()
    elif not isinstance(pipeline, list | tuple):
        return
    for part in pipeline:
        yield from _steps(part)
