"""Pictures of statistical texture: regions on an image, and their histograms."""

import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from .sampled import Equalised, Sampled

__all__ = ["statistics_figure"]

# In inches: an image's width, a histogram's height, the text of each row and of each
# line, and what stands beside a group and above it.
_IMAGE, _HISTOGRAM, _TEXT, _LINE, _SIDE, _TOP = 2.9, 1.3, 0.55, 0.22, 1.5, 0.6
# Colours that the colour-blind tell apart.
_IMPORTANT, _RANDOM = "#e69f00", "#56b4e9"
_BEFORE, _EQUALISED, _DENOISED = "0.8", "#0072b2", "#d55e00"
_NOTE = (
    "Intensity is the similarity of a pixel's feature to its region's mean. Entropies, "
    "in the legend's order, are 1 for equal shares of all levels."
)


def statistics_figure(
    groups: Mapping[str, Mapping[str, Sampled]], picture: NDArray[np.uint8]
) -> Figure:
    """Draw regions, and histograms before and after equalisation and denoising.

    Args:
        groups: by title, the blocks to draw side by side, by name, such as a teacher
            and a student. The blocks of a group have histograms of the same regions.
        picture: what the networks saw, RGB (H, W, 3), to be drawn in each block.

    Returns:
        A figure that belongs to no window; ``savefig`` writes it.
    """
    sizes = [_inches(list(blocks.values()), picture) for blocks in groups.values()]
    widths, heights = zip(*sizes, strict=True)
    width = max(widths)
    note = textwrap.fill(_NOTE, int(13 * width))
    # In one row where it fits.
    columns = 5 if width > 10 else 3
    lines = 1 + len(note.splitlines()) + (columns < 5)
    heights = [*heights, 0.2 + _LINE * lines]
    figure = Figure((width, sum(heights)), layout="constrained")
    *parts, foot = figure.subfigures(len(heights), height_ratios=heights)
    for part, (title, blocks) in zip(parts, groups.items(), strict=True):
        part.suptitle(title, weight="bold")
        _draw_group(part, blocks, picture)
    foot.legend(handles=_legend(), loc="upper center", ncols=columns, frameon=False)
    foot.supxlabel(note, fontsize="medium")
    return figure


def _inches(blocks: Sequence[Sampled], picture: NDArray) -> tuple[float, float]:
    """Return the width and the height that a group needs."""
    height, width = picture.shape[:2]
    rows = len(blocks[0].histograms)
    return (
        _SIDE + (2 * _IMAGE + 0.5) * len(blocks),
        _TOP + _IMAGE * height / width + _HISTOGRAM * rows + _TEXT * (1 + rows),
    )


def _draw_group(
    part: SubFigure, blocks: Mapping[str, Sampled], picture: NDArray
) -> None:
    rows = len(next(iter(blocks.values())).histograms)
    height = _IMAGE * picture.shape[0] / picture.shape[1]
    grid = part.add_gridspec(
        1 + rows, 2 * len(blocks), height_ratios=[height] + [_HISTOGRAM] * rows
    )
    colours = _map_colours([x.similarity.cpu().numpy() for x in blocks.values()])
    images: list[Axes] = []
    histograms: list[Axes | None] = [None] * rows
    for number, (name, block) in enumerate(blocks.items()):
        left, right = (part.add_subplot(grid[0, 2 * number + k]) for k in (0, 1))
        left.set_title(name, loc="left", fontsize="x-large")
        _draw_images(left, right, picture, block, colours)
        images += [left, right]
        # What is compared has the same range.
        histograms = [
            part.add_subplot(
                grid[1 + row, 2 * number : 2 * number + 2], sharex=axis, sharey=axis
            )
            for row, axis in enumerate(histograms)
        ]
        _draw_histograms(histograms, block)
        for axis in histograms:
            axis.tick_params(labelleft=number == 0)
            axis.set_ylabel("" if number else "share")
            # A fixed number of ticks, which does not change under the layout's hands.
            axis.locator_params(axis="y", nbins=4)
    part.align_ylabels()
    part.colorbar(colours, ax=images, aspect=15, extend="min")


def _map_colours(maps: Sequence[NDArray]) -> ScalarMappable:
    """Return the greys of all maps, from the hundredth part that is darkest on."""
    values = np.concatenate([x.ravel() for x in maps])
    return ScalarMappable(Normalize(np.percentile(values, 1), values.max()), "gray")


def _draw_images(
    left: Axes, right: Axes, picture: NDArray, block: Sampled, colours: ScalarMappable
) -> None:
    """Draw the picture and the map over the same pixels, with the regions on both."""
    pixels = block.similarity.cpu().numpy()
    height, width = pixels.shape
    extent = (0, width, height, 0)
    left.imshow(picture, extent=extent)
    left.set_xlabel("input and regions")
    right.imshow(pixels, extent=extent, norm=colours.norm, cmap=colours.cmap)
    right.set_xlabel(f"self-similarity, {height} × {width}")
    for axis in (left, right):
        axis.set(xticks=[], yticks=[])
        # Those that are counted on top, and the first, of most contrast.
        numbers = range(len(block.boxes), 0, -1)
        for number in sorted(numbers, key=lambda n: n in block.histograms):
            _draw_region(axis, number, block)


def _draw_region(axis: Axes, number: int, block: Sampled) -> None:
    y0, x0, y1, x1 = block.boxes[number - 1].tolist()
    numbered = number in block.histograms
    width = 2.5 if numbered else 1.2
    colour = _region_colour(number, block)
    axis.add_patch(
        Rectangle(
            (x0, y0),
            x1 - x0,
            y1 - y0,
            fill=False,
            color=colour,
            linewidth=width,
            linestyle="-" if number <= block.important else "--",
            path_effects=[withStroke(linewidth=width + 1, foreground="black")],
            # Those at the map's edges, too, are seen whole.
            clip_on=False,
        )
    )
    if numbered:
        height = block.similarity.shape[0]
        y, side = _number_place(y0 / height, y1 / height)
        axis.text(
            x0,
            y * height,
            f" {number}" if side == "top" else str(number),
            color=colour,
            fontsize="x-large",
            weight="bold",
            verticalalignment=side,
            path_effects=[withStroke(linewidth=3, foreground="black")],
        )


def _number_place(top: float, bottom: float) -> tuple[float, str]:
    """Return the height of a region's number, and the side of it that this is."""
    if top > 0.1:
        return top, "bottom"
    # Below the region; inside, where that would be below the image.
    return (bottom if bottom < 0.9 else top), "top"


def _region_colour(number: int, block: Sampled) -> str:
    return _IMPORTANT if number <= block.important else _RANDOM


def _draw_histograms(axes: Sequence[Axes], block: Sampled) -> None:
    for axis, (number, pair) in zip(axes, block.histograms.items(), strict=True):
        _draw_histogram(axis, pair)
        what = f"region {number}" if number else "whole image"
        axis.set_title(f"{what}, {pair.size[0]} × {pair.size[1]}", loc="left")
    axes[-1].set_xlabel("intensity, over the region's range")


def _draw_histogram(axis: Axes, pair: Equalised) -> None:
    before, after = pair.before, pair.after
    uniform, equalised, denoised = (
        (counts / counts.sum())[0].cpu().numpy()
        for counts in (before.counts, after.counts, after.denoised)
    )
    centres, levels = (x.levels.centres[0].cpu().numpy() for x in (before, after))
    axis.bar(centres, uniform, 1 / len(centres), color=_BEFORE)
    axis.vlines(levels, 0, denoised, color=_DENOISED, linewidth=1)
    axis.plot(levels, denoised, "o", color=_DENOISED, markersize=3)
    axis.plot(levels, equalised, color=_EQUALISED, linewidth=1.2)
    entropies = [f"{_entropy(shares):.2f}" for shares in (uniform, equalised, denoised)]
    text = "entropy " + " → ".join(entropies)
    axis.set_title(text, loc="right", fontsize="medium")


def _entropy(shares: NDArray) -> float:
    """Return the entropy as a share of that of equal shares."""
    used = shares[shares > 0]
    # One level has none.
    return float((used * np.log(1 / used)).sum() / (math.log(len(shares)) or 1))


def _legend() -> list[Artist]:
    return [
        Line2D([], [], color=_IMPORTANT, label="region chosen for its contrast"),
        Line2D([], [], color=_RANDOM, ls="--", label="region chosen at random"),
        Patch(color=_BEFORE, label="uniform levels (Eq. 4)"),
        Line2D([], [], color=_EQUALISED, label="equalised, E"),
        Line2D([], [], color=_DENOISED, marker="o", ms=3, label="denoised, DE"),
    ]
