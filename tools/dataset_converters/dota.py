"""Cut DOTA's images into patches, with upright boxes in COCO's format.

    python tools/dataset_converters/dota.py DOTA --out-dir data/DOTA

``SRC/train/images/*.png`` and ``SRC/train/labelTxt/*.txt`` of DOTA-v1.0 become
``OUT/train/images`` with patches of 1024x1024 that overlap by 200 pixels, and
``OUT/train/train.json``; likewise for val. Where an image ends, a patch is black. An
object is upright: the box about its four corners. It is in a patch that has at least
0.7 of that box, and is clipped to it. A split that has its JSON file already is left.
"""

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
from converting import starts
from mmengine.utils import track_iter_progress

from texture_kd.whole_file import replaced

_SPLITS = ("train", "val")
# In the order of the config, configs/_base_/datasets/dota_1024x1024.py.
CLASSES = (
    "plane",
    "baseball-diamond",
    "bridge",
    "ground-track-field",
    "small-vehicle",
    "large-vehicle",
    "ship",
    "tennis-court",
    "basketball-court",
    "storage-tank",
    "soccer-ball-field",
    "roundabout",
    "harbor",
    "swimming-pool",
    "helicopter",
)
_LEAST_SHARE = 0.7


def convert(
    src: Path, out_dir: Path, side: int = 1024, overlap: int = 200
) -> dict[str, int]:
    """Cut the splits train and val.

    Args:
        src: folder of the release, with ``train`` and ``val``.
        out_dir: folder that gets the same two.
        side: height and width of a patch.
        overlap: rows and columns that neighbours share.

    Returns:
        Number of patches of each split that was cut.

    Raises:
        FileNotFoundError: a folder, an image or a label file is missing.
        ValueError: an image cannot be read, or a label file has a line of another kind
            or an unknown class.
    """
    pairs = {
        split: _pairs(src / split)
        for split in _SPLITS
        if not (out_dir / split / f"{split}.json").exists()
    }
    return {
        split: _cut(found, out_dir / split, side, overlap)
        for split, found in pairs.items()
    }


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    images = sorted((folder / "images").glob("*.png"))
    if not images:
        raise FileNotFoundError(
            f"{folder / 'images'} holds no PNG files: SRC should be the folder of "
            "DOTA-v1.0 with train and val"
        )
    pairs = [(path, folder / "labelTxt" / f"{path.stem}.txt") for path in images]
    missing = [label for _, label in pairs if not label.is_file()]
    if missing:
        raise FileNotFoundError(f"{len(missing)} label files are missing: {missing[0]}")
    return pairs


def _cut(pairs: list[tuple[Path, Path]], folder: Path, side: int, overlap: int) -> int:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for image_path, label_path in track_iter_progress(pairs):
        boxes, labels = read_labels(label_path)
        pixels = cv2.imread(str(image_path))
        if pixels is None:
            raise ValueError(f"{image_path} is no image that OpenCV reads")
        height, width = pixels.shape[:2]
        for y in starts(height, side, overlap):
            for x in starts(width, side, overlap):
                name = f"{image_path.stem}__{x}__{y}.png"
                patch = np.zeros((side, side, 3), np.uint8)
                part = pixels[y : y + side, x : x + side]
                patch[: part.shape[0], : part.shape[1]] = part
                cv2.imwrite(str(folder / "images" / name), patch)
                number = len(images)
                images.append(dict(id=number, file_name=name, height=side, width=side))
                kept, seen = boxes_in_patch(boxes, (x, y), side)
                for box, label in zip(
                    kept.tolist(), labels[seen].tolist(), strict=True
                ):
                    annotations.append(
                        _annotation(len(annotations) + 1, number, box, label)
                    )
    content = dict(
        images=images,
        annotations=annotations,
        categories=[dict(id=i, name=name) for i, name in enumerate(CLASSES)],
    )
    # Last, and whole: it says that the split is done.
    target = folder / f"{folder.name}.json"
    with replaced(target) as part:
        part.write_text(json.dumps(content), encoding="utf-8")
    return len(images)


def _annotation(number: int, image: int, box: list[float], label: int) -> dict:
    x0, y0, x1, y1 = box
    return dict(
        # From 1: to COCO's evaluation 0 is no object.
        id=number,
        image_id=image,
        category_id=label,
        bbox=[x0, y0, x1 - x0, y1 - y0],
        area=(x1 - x0) * (y1 - y0),
        iscrowd=0,
    )


def read_labels(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the boxes (K, 4) about the objects of a label file, and their classes (K,).

    Raises:
        ValueError: a line is of another kind, or has an unknown class.
    """
    boxes, labels = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words or ":" in words[0]:
            continue  # Where the image is from, and its resolution.
        try:
            corners = np.array(words[:8], float).reshape(4, 2)
            labels.append(CLASSES.index(words[8]))
        except (IndexError, ValueError):
            raise ValueError(
                f"{path} has the line {line!r}, which is not eight coordinates and "
                f"one of {', '.join(CLASSES)}"
            ) from None
        boxes.append([*corners.min(0), *corners.max(0)])
    return np.array(boxes, float).reshape(-1, 4), np.array(labels, int)


def boxes_in_patch(
    boxes: np.ndarray, corner: tuple[int, int], side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Clip boxes (K, 4) to a patch; return those in it, and which they are."""
    moved = boxes - np.array([*corner, *corner])
    clipped = moved.clip(0, side)
    areas, parts = ((x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1]) for x in (moved, clipped))
    seen = (parts > 0) & (parts >= _LEAST_SHARE * areas)
    return clipped[seen], seen


def main() -> None:
    """Read the command line, convert, and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("src", type=Path, help="folder of DOTA-v1.0")
    parser.add_argument("--out-dir", type=Path, default=Path("data/DOTA"))
    args = parser.parse_args()
    try:
        counts = convert(args.src, args.out_dir)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"error: {error}")
    found = ", ".join(f"{split} {count}" for split, count in counts.items())
    print(f"\n{args.out_dir}: {found or 'nothing left to do'}")


if __name__ == "__main__":
    main()
