"""Loaders and metrics of a data set that is two folders of files."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from mmengine.config import Config
from PIL import Image

__all__ = ["completed_data"]

_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp")


def completed_data(data: Config) -> Config:
    """Return a data config with its loaders and metrics, made where it has none.

    A config that says ``data_root``, ``classes`` and ``crop_size`` will do, of files as
    MMSegmentation has them: ``images/train`` and ``labels/train``, the same with
    ``val``, and with ``test`` where there is one, label files of the images' names.
    ``palette``, ``batch_size`` (8), ``num_workers`` (2), ``ignore_index`` (255) and
    ``reduce_zero_label`` may be said, too. Images are scaled from half to twice their
    size if all have one, cropped, flipped and changed in their colours.

    Args:
        data: the config.

    Raises:
        ValueError: what is needed is not said, or files are missing or of more than
            one suffix.
    """
    if "train_dataloader" in data:
        return data
    for name in ("data_root", "classes", "crop_size"):
        if name not in data:
            raise ValueError(
                f"the data's config has neither a train_dataloader nor a {name}: say "
                "data_root, classes and crop_size, or write the loaders out"
            )
    _check_classes(data.classes)
    root = Path(data.data_root)
    test = "test" if (root / "images" / "test").is_dir() else "val"
    files = {
        kind: [_files(root / kind / split) for split in ("train", "val", test)]
        for kind in ("images", "labels")
    }
    suffixes = {kind: _suffix([*chain(*found)]) for kind, found in files.items()}
    for images, labels in zip(*files.values(), strict=True):
        _check_labels(images, labels)
    scale = _scale(files["images"][0])
    dataset = dict(
        type="BaseSegDataset",
        data_root=data.data_root,
        metainfo={k: data[k] for k in ("classes", "palette") if k in data},
        img_suffix=suffixes["images"],
        seg_map_suffix=suffixes["labels"],
        reduce_zero_label=data.get("reduce_zero_label", False),
        ignore_index=data.get("ignore_index", 255),
    )
    loaders = _loaders(data, dataset, scale, test)
    metric = dict(
        type="IoUMetric",
        iou_metrics=["mIoU"],
        ignore_index=dataset["ignore_index"],
    )
    return Config(
        dict(data.to_dict(), **loaders, val_evaluator=metric, test_evaluator=metric)
    )


def _check_classes(classes: Any) -> None:
    if isinstance(classes, str) or len(set(classes)) != len(classes):
        raise ValueError(
            "expected classes as a tuple of names, each once, such as "
            f"('road', 'other'), got {classes!r}"
        )


def _files(folder: Path) -> list[Path]:
    files = folder.iterdir() if folder.is_dir() else ()
    found = sorted(x for x in files if x.suffix.lower() in _SUFFIXES)
    if not found:
        raise ValueError(
            f"there are no image files in {folder}: expected images/train, "
            "labels/train, images/val and labels/val in data_root"
        )
    return found


def _suffix(files: Sequence[Path]) -> str:
    """Return the one suffix of files, as a data set takes one."""
    examples = {file.suffix: file for file in files}
    if len(examples) > 1:
        raise ValueError(
            "images must have one suffix in all splits, and labels one, but there are "
            f"{' and '.join(map(str, examples.values()))}: convert them to one format, "
            "or write the loaders out"
        )
    return files[0].suffix


def _check_labels(images: Sequence[Path], labels: Sequence[Path]) -> None:
    named = {file.stem for file in labels}
    without = [file for file in images if file.stem not in named]
    if without:
        raise ValueError(
            f"{len(without)} images have no label file of their name, such as "
            f"{without[0]}: there is none in {labels[0].parent}"
        )


def _scale(files: Sequence[Path]) -> tuple[int, int] | None:
    """Return width and height of the images, or None if they are not all of one size.

    Scales are of the size that all images are brought to, and so those of several sizes
    would be trained on at others than they are validated at.
    """
    sizes = set()
    for file in files:
        try:
            with Image.open(file) as image:
                sizes.add(image.size)
        except OSError as error:
            raise ValueError(f"{file} cannot be read as an image") from error
    return sizes.pop() if len(sizes) == 1 else None


def _loaders(
    data: Config, dataset: Mapping[str, Any], scale: tuple[int, int] | None, test: str
) -> dict[str, Any]:
    load = [dict(type="LoadImageFromFile"), dict(type="LoadAnnotations")]
    pack = dict(type="PackSegInputs")
    scaled = dict(scale=scale, ratio_range=(0.5, 2.0), keep_ratio=True)
    resize = [dict(type="RandomResize", **scaled)] if scale else []
    pipelines = dict(
        train=[
            *load,
            *resize,
            dict(
                type="RandomCrop",
                crop_size=_pair(data.crop_size),
                cat_max_ratio=0.75,
            ),
            dict(type="RandomFlip", prob=0.5),
            dict(type="PhotoMetricDistortion"),
            pack,
        ],
        val=[*load, pack],
    )

    def loader(split: str) -> dict[str, Any]:
        trains = split == "train"
        sampler = "InfiniteSampler" if trains else "DefaultSampler"
        return dict(
            batch_size=data.get("batch_size", 8) if trains else 1,
            num_workers=data.get("num_workers", 2),
            persistent_workers=data.get("num_workers", 2) > 0,
            sampler=dict(type=sampler, shuffle=trains),
            dataset=dict(
                dataset,
                data_prefix=dict(
                    img_path=f"images/{split}", seg_map_path=f"labels/{split}"
                ),
                pipeline=pipelines["train" if trains else "val"],
            ),
        )

    return dict(
        train_pipeline=pipelines["train"],
        test_pipeline=pipelines["val"],
        train_dataloader=loader("train"),
        val_dataloader=loader("val"),
        test_dataloader=loader(test),
    )


def _pair(size: int | Sequence[int]) -> tuple[int, ...]:
    return (size, size) if isinstance(size, int) else tuple(size)
