"""Segmentations of one image, side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

__all__ = ["segmentations_figure"]

_INCHES = 4.0
_IGNORED = (0, 0, 0)


def segmentations_figure(
    picture: NDArray[np.uint8],
    truth: NDArray[np.integer],
    predicted: Mapping[str, NDArray[np.integer]],
    palette: Sequence[Sequence[int]],
) -> Figure:
    """Draw an image, its labels and what networks make of it.

    Args:
        picture: RGB (H, W, 3).
        truth: labels (H', W'). What is no class is not counted, and black.
        predicted: by the network's name, classes (H', W').
        palette: RGB colour of each class, 0 to 255.

    Returns:
        A figure that belongs to no window. It has in words the share of the pixels that
        a network has right.
    """
    valid = (truth >= 0) & (truth < len(palette))
    panels = {"image": picture, "truth": _coloured(truth, palette)}
    for name, classes in predicted.items():
        right = (classes == truth)[valid].mean() if valid.any() else np.nan
        panels[f"{name}, {right:.1%} right"] = _coloured(classes, palette)
    height, width = picture.shape[:2]
    size = (_INCHES * len(panels), _INCHES * height / width + 0.4)
    figure = Figure(size, layout="constrained")
    axes = figure.subplots(1, len(panels))
    for axis, (title, panel) in zip(axes, panels.items(), strict=True):
        axis.imshow(panel)
        axis.set_title(title)
        axis.axis("off")
    return figure


def _coloured(
    classes: NDArray[np.integer], palette: Sequence[Sequence[int]]
) -> NDArray[np.uint8]:
    colours = np.array([*palette, _IGNORED], dtype=np.uint8)
    known = (classes >= 0) & (classes < len(palette))
    return colours[np.where(known, classes, len(palette))]
