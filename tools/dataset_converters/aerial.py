"""Cut the aerial images of Humans in the Loop into tiles, with labels for MMSeg.

    python tools/dataset_converters/aerial.py "Semantic segmentation dataset" \
        --out-dir data/aerial

``SRC/Tile N/images/image_part_00P.jpg`` and ``SRC/Tile N/masks/image_part_00P.png``
become ``OUT/images/SPLIT`` and ``OUT/labels/SPLIT``: parts 1 to 6 train, 7 val, 8 and 9
test, each where it is there. A mask says a class by its colour; ``classes.json`` is not
read, for its colours are not those of the masks. Labels are 0 to 4 in the order of
``AerialDataset``, and 255 for unlabelled and black pixels.

Tiles are of 256x256 pixels, or smaller where an image is. The last of a row or column
ends with the image and so overlaps the one before. In val and test what both show is
255 in the last, so that each pixel counts once; training has the labels of both.

All or nothing is written: OUT must not exist, and appears when every file was read. At
the end the share of each class is printed, in percent of the images' pixels.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from converting import Pairs, paired_files, starts
from mmengine.utils import track_iter_progress
from PIL import Image

from texture_kd.datasets import AerialDataset

CLASSES = AerialDataset.METAINFO["classes"]
_COLOURS = AerialDataset.METAINFO["palette"]
_IGNORED_COLOURS = ((0x9B, 0x9B, 0x9B), (0, 0, 0))
_IGNORED, _UNKNOWN = 255, 254
_SPLITS = {
    **dict.fromkeys(range(1, 7), "train"),
    7: "val",
    **dict.fromkeys((8, 9), "test"),
}
_SOURCE = "the folder with `Tile 1`, `Tile 2` and so on"
# Of 8 bits a channel.
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


class Split(NamedTuple):
    """What a split has: images, tiles, and pixels of each class and of none."""

    images: int
    tiles: int
    pixels: np.ndarray


def convert(src: Path, out_dir: Path, side: int = 256) -> dict[str, Split]:
    """Cut every image and its mask.

    Args:
        src: folder as it is published, with ``Tile N/images`` and ``Tile N/masks``.
        out_dir: folder that gets ``images`` and ``labels``.
        side: height and width of a tile.

    Returns:
        What each split has, for those of which there are images.

    Raises:
        FileNotFoundError: a folder, an image or a mask is missing.
        FileExistsError: ``out_dir`` exists.
        ValueError: an image cannot be read or is named otherwise, a mask has another
            size or a colour that is no class, or ``side`` is below 1.
    """
    if side < 1:
        raise ValueError(f"tiles should have a side of at least 1 pixel, got {side}")
    if out_dir.exists():
        raise FileExistsError(
            f"{out_dir} exists: choose another --out-dir or move it away"
        )
    pairs = _pairs(src)
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    # Beside OUT, so that it is moved there as a whole.
    with tempfile.TemporaryDirectory(dir=out_dir.parent, prefix=".aerial-") as scratch:
        partial = Path(scratch) / out_dir.name
        found: dict[str, Split] = {}
        for image, mask in track_iter_progress(pairs):
            split = _split_of(image)
            new = _cut(image, mask, partial, split, side)
            old = found.get(split, Split(0, 0, 0))
            found[split] = Split(*(a + b for a, b in zip(old, new, strict=True)))
        partial.rename(out_dir)
    return {split: found[split] for split in ("train", "val", "test") if split in found}


def _pairs(src: Path) -> Pairs:
    tiles = sorted(path for path in src.glob("Tile *") if path.is_dir())
    if not tiles:
        raise FileNotFoundError(
            f"{src} has no folder `Tile 1`: SRC should be {_SOURCE}"
        )
    pairs = [
        pair
        for tile in tiles
        for pair in paired_files(
            tile / "images", tile / "masks", (".jpg", ".png"), _SOURCE
        )
    ]
    for image, _ in pairs:
        _split_of(image)
    return pairs


def _split_of(path: Path) -> str:
    found = re.fullmatch(r"image_part_(\d+)", path.stem)
    part = int(found[1]) if found else 0
    if part not in _SPLITS:
        raise ValueError(f"{path} should be named image_part_001 to image_part_009")
    return _SPLITS[part]


def _cut(image_path: Path, mask_path: Path, out: Path, split: str, side: int) -> Split:
    """Write the tiles of one image."""
    image, mask = read_colours(image_path), read_colours(mask_path)
    if image.shape != mask.shape:
        raise ValueError(
            f"{mask_path} should be of {_size(image)} pixels, as its image is, but is "
            f"of {_size(mask)}"
        )
    label = labels_of(mask, mask_path)
    pixels = np.bincount(label.ravel(), minlength=256)
    tile = image_path.parents[1].name.lower().replace(" ", "")
    stem = f"{tile}_{image_path.stem.removeprefix('image_')}"
    height, width = label.shape
    corners = [(y, x) for y in starts(height, side, 0) for x in starts(width, side, 0)]
    for y, x in corners:
        crop = np.s_[y : y + side, x : x + side]
        part = label[crop].copy()
        if split != "train":
            # What the tiles above and on the left have shown.
            part[: -y % side] = part[:, : -x % side] = _IGNORED
        for kind, content in (("images", image[crop]), ("labels", part)):
            path = out / kind / split / f"{stem}__{x}__{y}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(content).save(path)
    return Split(1, len(corners), np.append(pixels[: len(CLASSES)], pixels[_IGNORED]))


def read_colours(path: Path) -> np.ndarray:
    """Read a picture as RGB (H, W, 3), whatever palette or grey levels it is stored as.

    Raises:
        ValueError: it is none, has more than 8 bits a channel, or transparent pixels.
    """
    try:
        with Image.open(path) as file:
            if file.mode not in _MODES:
                raise ValueError(
                    f"{path} should have 8-bit colours, but is of mode {file.mode}"
                )
            pixels = np.asarray(file.convert("RGBA"))
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path} is no image that can be read: {error}") from error
    if pixels[..., 3].min() < 255:
        raise ValueError(f"{path} has transparent pixels, which have no sure colour")
    return np.ascontiguousarray(pixels[..., :3])


def labels_of(mask: np.ndarray, path: Path) -> np.ndarray:
    """Turn the colours (H, W, 3) of a mask into labels (H, W).

    Args:
        mask: RGB, 8 bits each.
        path: where it is from, for messages.

    Raises:
        ValueError: it has colours that are neither a class's nor ignored ones.
    """
    table = np.full(1 << 24, _UNKNOWN, np.uint8)
    table[_codes(np.array(_COLOURS))] = range(len(CLASSES))
    table[_codes(np.array(_IGNORED_COLOURS))] = _IGNORED
    codes = _codes(mask)
    label = table[codes]
    if (label == _UNKNOWN).any():
        raise ValueError(f"{path} has {_unknown(codes, label == _UNKNOWN)}")
    return label


def _codes(colours: np.ndarray) -> np.ndarray:
    """Give each colour (..., 3) its number, 0xRRGGBB."""
    return colours.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)


def _unknown(codes: np.ndarray, unknown: np.ndarray) -> str:
    ys, xs = unknown.nonzero()
    found, first, counts = np.unique(
        codes[unknown], return_index=True, return_counts=True
    )
    most = np.argsort(-counts, kind="stable")[:3]
    listed = [
        f"{found[i]:06X} {counts[i]} times, first at x={xs[first[i]]} y={ys[first[i]]}"
        for i in most
    ]
    rest = " ..." if len(found) > len(most) else ""
    known = ", ".join(f"{code:06X}" for code in _codes(np.array(_COLOURS)))
    return (
        f"{len(ys)} pixels of {len(found)} colours that are no class: "
        f"{'; '.join(listed)}{rest} (classes are {known})"
    )


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"


def shares(splits: dict[str, Split]) -> str:
    """Return a table of the share of each class in each split, in percent."""
    lines = [["split", "images", "tiles", *CLASSES, "ignored"]]
    lines.append(["---"] * len(lines[0]))
    for name, split in splits.items():
        percent = 100 * split.pixels / split.pixels.sum()
        numbers = [f"{value:.2f}" for value in percent]
        lines.append([name, str(split.images), str(split.tiles), *numbers])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Read the command line, convert, and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("src", type=Path, help=_SOURCE)
    parser.add_argument("--out-dir", type=Path, default=Path("data/aerial"))
    parser.add_argument(
        "--tile-size", type=int, default=256, help="side of a tile in pixels"
    )
    args = parser.parse_args()
    try:
        splits = convert(args.src, args.out_dir, args.tile_size)
    except (FileNotFoundError, FileExistsError, ValueError) as error:
        sys.exit(f"error: {error}")
    print(f"\n{args.out_dir}:\n\n{shares(splits)}")


if __name__ == "__main__":
    main()
