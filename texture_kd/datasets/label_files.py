"""Looks at label files as MMSegmentation reads them."""

import io
from collections.abc import Iterator
from typing import Any

import mmcv
import mmengine.fileio as fileio
import numpy as np
from mmseg.datasets.transforms import LoadAnnotations
from numpy.typing import NDArray
from PIL import Image

# Of each data set, from the first to the last.
_LOOKED_AT = 16


def check_label_files(dataset: Any) -> None:
    """Refuse label files that MMSegmentation's LoadAnnotations takes for others.

    It looks at some files of the whole data set, and at none where another transform
    reads them.

    Args:
        dataset: of MMEngine, or of data sets.

    Raises:
        ValueError: a file has several channels, or values that 8 bits do not hold.
    """
    for path, content, backend in _label_files(dataset):
        label = _decoded(content, backend)
        if label is None:
            continue  # The pipeline says it better.
        if label.ndim != 2:
            raise ValueError(
                f"The label file {path} is a picture of the shape {label.shape}, and "
                f"a label file has one channel that holds the class of each pixel: "
                f"{_advice(label)}"
            )
        if (label != label.astype(np.uint8)).any():
            raise ValueError(
                f"The label file {path} holds {label.min()} to {label.max()} in "
                f"{label.dtype}, and MMSegmentation's LoadAnnotations keeps 8 bits, 0 "
                "to 255: write it with a class of at most 255 for each pixel"
            )


def label_file_with_palette(dataset: Any) -> str | None:
    """Find a label file with a palette, of which the indices are read as classes.

    Args:
        dataset: as for :func:`check_label_files`.

    Returns:
        Its path, or None.
    """
    for path, content, backend in _label_files(dataset):
        if backend != "pillow":
            continue
        try:
            with Image.open(io.BytesIO(content)) as image:
                if image.mode == "P":
                    return path
        except OSError:
            continue
    return None


def _label_files(dataset: Any) -> Iterator[tuple[str, bytes, str]]:
    """Return path, content and decoder of some label files."""
    for part in getattr(dataset, "datasets", ()):
        yield from _label_files(part)
    if hasattr(dataset, "dataset"):
        yield from _label_files(dataset.dataset)
    pipeline = getattr(getattr(dataset, "pipeline", None), "transforms", ())
    loads = [transform for transform in pipeline if type(transform) is LoadAnnotations]
    if not loads or not hasattr(dataset, "get_data_info"):
        return
    count = len(dataset)
    for index in np.unique(
        np.linspace(0, count - 1, min(count, _LOOKED_AT)).astype(int)
    ):
        path = dataset.get_data_info(int(index)).get("seg_map_path")
        if path is None:
            continue
        try:
            content = fileio.get(path, backend_args=loads[0].backend_args)
        except OSError:
            continue  # The pipeline says it better.
        yield path, content, loads[0].imdecode_backend


def _decoded(content: bytes, backend: str) -> NDArray | None:
    try:
        label = mmcv.imfrombytes(content, flag="unchanged", backend=backend)
    except (OSError, ValueError):
        return None
    return None if label is None else label.squeeze()


def _advice(label: NDArray) -> str:
    if label.ndim == 3 and (label[..., :3] == label[..., :1]).all():
        return "its channels are equal, and so save one of them alone"
    return "write the class of each colour, as tools/dataset_converters/aerial.py does"
