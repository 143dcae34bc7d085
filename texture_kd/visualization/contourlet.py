"""Pictures of contourlet bands, laid out by scale and direction."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray
from torch import Tensor

from texture_kd.functional import ContourletBands

__all__ = ["Decomposed", "contourlet_figure", "edge_wedges"]

# In inches: a band's width, the text under it, and what else stands beside and above.
_BAND, _TEXT, _MARGIN = 1.05, 0.5, 1.3
# How many times as large as a band its image is drawn.
_ENLARGED = 2
# Distance of two bands as a share of their width.
_GAP = 0.06
_NOTE = (
    "Under each band: the direction of its edges, counter-clockwise from the "
    "horizontal, and its rms.\n"
    "All bands of a scale, side by side, share one range of colours, which ends at "
    "their 99th percentile."
)

Wedges = list[tuple[float, float]]


class Decomposed(NamedTuple):
    """An image or a feature map, and its contourlet bands.

    Attributes:
        values: what was decomposed, (1, C, H, W), of any unit.
        bands: its bands.
    """

    values: Tensor
    bands: ContourletBands


class _Tile(NamedTuple):
    """A picture, the height and width it is drawn with, and the text under it."""

    pixels: NDArray
    size: tuple[int, int]
    text: str


# Rows of strips of tiles, a strip for each block.
_Rows = list[list[list[_Tile]]]


class _Block(NamedTuple):
    """Tiles of a decomposition: its images, and the two strips of each scale."""

    images: list[_Tile]
    scales: list[tuple[list[_Tile], list[_Tile]]]


def contourlet_figure(
    groups: Mapping[str, Mapping[str, Decomposed]],
    channel: int | None = None,
    picture: NDArray[np.uint8] | None = None,
) -> Figure:
    """Draw contourlet bands by scale and direction, what is compared side by side.

    Bands are stretched to the aspect of their image. (With one level of directions, on
    the quincunx lattice, odd columns are drawn half a coefficient too low.)

    Args:
        groups: by title, the blocks to draw side by side, by name, such as a teacher
            and a student. The blocks of a group have equal shapes.
        channel: the channel to draw, with its sign. None draws the rms over the
            channels.
        picture: what the networks saw, RGB (H, W, 3), to be drawn in each block.

    Returns:
        A figure that belongs to no window; ``savefig`` writes it.

    Raises:
        ValueError: there is no such channel.
    """
    for title, blocks in groups.items():
        _check_channel(title, blocks, channel)
    sizes = [_inches(list(blocks.values())) for blocks in groups.values()]
    widths, heights = zip(*sizes, strict=True)
    figure = Figure((max(widths), sum(heights)), layout="constrained")
    figure.supxlabel(_NOTE, fontsize="medium")
    parts = figure.subfigures(len(groups), squeeze=False, height_ratios=heights)
    for part, (title, blocks) in zip(parts.flat, groups.items(), strict=True):
        part.suptitle(title, weight="bold")
        tiles = {
            name: _block(block, channel, picture) for name, block in blocks.items()
        }
        _draw_group(part, tiles, signed=channel is not None)
    return figure


def edge_wedges(m: int) -> tuple[Wedges, Wedges]:
    """Return the directions of the edges in each directional band.

    An edge runs at right angles to its frequency (w_r, w_c). As rows are counted
    downwards, its angle is atan2(w_c, w_r).

    Args:
        m: number of near-vertical bands, and of near-horizontal ones.

    Returns:
        For each near-vertical and for each near-horizontal band, in the order of
        :class:`~texture_kd.functional.DirectionalBands`, its least and its greatest
        angle in degrees, counter-clockwise from the horizontal.
    """
    bounds = [math.degrees(math.atan(1 - 2 * k / m)) for k in range(m + 1)]
    wedges = [(bounds[k + 1], bounds[k]) for k in range(m)]
    vertical = [(90 + low, 90 + high) for low, high in wedges]
    # An edge at -10 degrees is one at 170.
    turns = [180 if 2 * k >= m else 0 for k in range(m)]
    horizontal = [
        (low + turn, high + turn)
        for (low, high), turn in zip(wedges, turns, strict=True)
    ]
    return vertical, horizontal


def _check_channel(
    title: str, blocks: Mapping[str, Decomposed], channel: int | None
) -> None:
    for name, block in blocks.items():
        channels = block.values.shape[1]
        if channel is not None and not 0 <= channel < channels:
            raise ValueError(
                f"{title}: there is no channel {channel}, the {name} has 0 to "
                f"{channels - 1}"
            )


def _inches(blocks: Sequence[Decomposed]) -> tuple[float, float]:
    """Return the width and the height that a group needs."""
    values, bands = blocks[0]
    height, width = values.shape[-2:]
    strips = 2 * len(bands.directional)
    # Room for three images, or for the bands of the scale that has most.
    tiles = max(3 * _ENLARGED, *(b.vertical.shape[2] for b in bands.directional))
    block = tiles * _BAND * (1 + _GAP) + _MARGIN / 2
    band = _BAND * height / width
    return (
        _MARGIN + len(blocks) * block,
        _MARGIN + (_ENLARGED + strips) * band + (1 + strips) * _TEXT,
    )


def _block(block: Decomposed, channel: int | None, picture: NDArray | None) -> _Block:
    values, (low, directional, _) = block
    scales = len(directional)
    size = tuple(values.shape[-2:])
    padded = (low.shape[-2] << scales, low.shape[-1] << scales)
    images = [
        _Tile(_plane(values, channel), size, _what(values, channel)),
        # It has the mean of the input times this power of two.
        _Tile(_plane(low, channel) / 2**scales, padded, "low-pass"),
    ]
    if picture is not None:
        images.insert(0, _Tile(picture, size, "input"))
    strips = [
        tuple(
            _band_tiles(stack, wedges, channel, padded)
            for stack, wedges in zip(
                level.stacks, edge_wedges(level.vertical.shape[2]), strict=True
            )
        )
        for level in directional
    ]
    return _Block(images, strips)


def _band_tiles(
    stack: Tensor, wedges: Wedges, channel: int | None, size: tuple[int, int]
) -> list[_Tile]:
    tiles = []
    for band, (low, high) in zip(_plane(stack, channel), wedges, strict=True):
        rms = math.sqrt(np.square(band).mean())
        tiles.append(_Tile(band, size, f"{low:.0f}–{high:.0f}°\n{rms:.3g}"))
    return tiles


def _what(values: Tensor, channel: int | None) -> str:
    """Say what of (1, C, H, W) is drawn."""
    height, width = values.shape[-2:]
    whole = "original" if values.shape[1] == 1 else "rms over channels"
    what = whole if channel is None else f"channel {channel}"
    return f"{what}, {height} × {width}"


def _plane(x: Tensor, channel: int | None) -> NDArray:
    """Return one channel of (1, C, ...), or the rms over all."""
    x = x.detach().float().cpu()[0]
    return (x.square().mean(0).sqrt() if channel is None else x[channel]).numpy()


def _draw_group(part: SubFigure, blocks: Mapping[str, _Block], signed: bool) -> None:
    images = [[block.images for block in blocks.values()]]
    scales = len(next(iter(blocks.values())).scales)
    axes = part.subplots(
        1 + 2 * scales,
        len(blocks),
        squeeze=False,
        height_ratios=[_ENLARGED] + [1] * (2 * scales),
    )
    _draw_strips(part, axes[:1], images, _image_colours(images))
    for axis, name in zip(axes[0], blocks, strict=True):
        axis.set_title(name, loc="left", fontsize="x-large")
    for scale in range(scales):
        rows = axes[1 + 2 * scale : 3 + 2 * scale]
        bands = [
            [block.scales[scale][row] for block in blocks.values()] for row in (0, 1)
        ]
        _draw_strips(part, rows, bands, _band_colours(bands, signed))
        rows[0, 0].set_title(f"scale {scale + 1}", loc="left")
        rows[0, 0].set_ylabel("near-\nvertical")
        rows[1, 0].set_ylabel("near-\nhorizontal")


def _image_colours(rows: _Rows) -> ScalarMappable:
    """Return the grey levels of all images; RGB ones need none."""
    images = [tile.pixels for tile in _all_tiles(rows) if tile.pixels.ndim == 2]
    limits = min(i.min() for i in images), max(i.max() for i in images)
    return ScalarMappable(Normalize(*limits), "gray")


def _band_colours(rows: _Rows, signed: bool) -> ScalarMappable:
    magnitudes = [np.abs(tile.pixels).ravel() for tile in _all_tiles(rows)]
    limit = np.percentile(np.concatenate(magnitudes), 99)
    # A channel's coefficients have signs, which the loss compares; an rms has none.
    if signed:
        return ScalarMappable(Normalize(-limit, limit), "RdBu_r")
    return ScalarMappable(Normalize(0, limit), "magma")


def _all_tiles(rows: _Rows) -> list[_Tile]:
    return [tile for row in rows for strip in row for tile in strip]


def _draw_strips(
    part: SubFigure, axes: NDArray, rows: _Rows, colours: ScalarMappable
) -> None:
    for row, strips in zip(axes, rows, strict=True):
        for axis, strip in zip(row, strips, strict=True):
            _draw_strip(axis, strip, colours)
    # The axes keep their place at the left of what the colour bar leaves.
    part.colorbar(colours, ax=axes.ravel().tolist(), aspect=30, panchor=False)


def _draw_strip(axis: Axes, strip: list[_Tile], colours: ScalarMappable) -> None:
    """Draw tiles from left to right into one pair of axes."""
    height, width = strip[0].size
    step = width * (1 + _GAP)
    for number, (pixels, size, _) in enumerate(strip):
        left = number * step
        axis.imshow(
            pixels,
            norm=colours.norm,
            cmap=colours.cmap,
            extent=(left, left + size[1], size[0], 0),
        )
    axis.set(xlim=(0, len(strip) * step), ylim=(height, 0), yticks=[], anchor="W")
    axis.set_xticks(
        [number * step + width / 2 for number in range(len(strip))],
        [tile.text for tile in strip],
    )
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
