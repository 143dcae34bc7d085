"""What converters of data sets share: pairs of files, and where tiles begin."""

from pathlib import Path

Pairs = list[tuple[Path, Path]]


def paired_files(
    images: Path, labels: Path, suffixes: tuple[str, str], source: str
) -> Pairs:
    """List the images of a folder, each with the label file of its name.

    Hidden files are passed over.

    Args:
        images: folder of the images.
        labels: folder of the label files.
        suffixes: suffix of the images, and of the label files.
        source: what SRC should be, for a message.

    Returns:
        Pairs of image and label file, sorted by name.

    Raises:
        FileNotFoundError: a folder is missing or has no such files, or one half of a
            pair is missing.
    """
    found = []
    for folder, suffix in zip((images, labels), suffixes, strict=True):
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} does not exist: SRC should be {source}")
        files = folder.glob(f"[!.]*{suffix}")
        found.append({path.stem: path for path in files})
    pictures, maps = found
    if not pictures:
        kind = suffixes[0].lstrip(".").upper()
        raise FileNotFoundError(f"{images} holds no {kind} files")
    _refuse_missing(labels, maps, images, pictures)
    _refuse_missing(images, pictures, labels, maps)
    return [(pictures[stem], maps[stem]) for stem in sorted(pictures)]


def _refuse_missing(
    folder: Path, ours: dict[str, Path], other: Path, theirs: dict[str, Path]
) -> None:
    missing = [theirs[stem].name for stem in sorted({*theirs} - {*ours})]
    if missing:
        raise FileNotFoundError(
            f"{folder} lacks {len(missing)} files that {other} has: "
            f"{', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''}"
        )


def starts(length: int, side: int, overlap: int) -> list[int]:
    """Return where patches begin along an axis; the last ends with the image."""
    if length <= side:
        return [0]
    return [*range(0, length - side, side - overlap), length - side]
