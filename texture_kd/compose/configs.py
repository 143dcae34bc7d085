"""Configs by name, and what they say of their data."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmseg.registry import DATASETS

from texture_kd.algorithms.stock_network import packaged_config

__all__ = [
    "classes_of",
    "crop_of",
    "heads_of",
    "ignored_label",
    "listed",
    "read_config",
    "read_network",
    "start_from_scratch",
]


def read_config(name: str) -> Config:
    """Read a config.

    Args:
        name: a path, or ``PACKAGE::PATH`` of an installed package, such as
            ``"mmseg::pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py"``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a package has no such config, or it is not Python.
    """
    path = packaged_config(name, name) if "::" in name else Path(name)
    if not path.is_file():
        raise FileNotFoundError(f"there is no config {name}")
    try:
        return Config.fromfile(path)
    except (NameError, SyntaxError) as error:
        raise ValueError(f"{name} cannot be read as Python: {error}") from error


def read_network(name: str) -> Config:
    """Read the config of a network's training.

    Args:
        name: as :func:`read_config` takes it.

    Raises:
        FileNotFoundError: there is no such config.
        ValueError: it is not one of a segmentor.
    """
    config = read_config(name)
    model = config.get("model") or {}
    if "architecture" in model:
        raise ValueError(
            f"{name} is a distillation: give the config of its student, or of its "
            "teacher, alone"
        )
    heads = [*heads_of(model)]
    if not heads or "num_classes" not in heads[-1] or "backbone" not in model:
        raise ValueError(
            f"{name} is no config of a segmentor with a backbone and a decode head "
            "that has num_classes"
        )
    if config.get("data_preprocessor"):
        # As MMEngine's runner does it.
        model.setdefault("data_preprocessor", config.data_preprocessor)
    return config


def listed(value: Any) -> list:
    """Return what a config gives as one or as several, as a list; empty for nothing."""
    if not value:
        return []
    return [*value] if isinstance(value, (list, tuple)) else [value]


def heads_of(model: Mapping) -> Iterator[Mapping]:
    """Return the configs of a segmentor's heads, that which predicts last."""
    for key in ("auxiliary_head", "decode_head"):
        yield from listed(model.get(key))


def start_from_scratch(part: Any) -> None:
    """Take the weights to download out of a model's config, wherever they are.

    Args:
        part: the config, or any of it; it is changed.
    """
    if isinstance(part, (list, tuple)):
        for item in part:
            start_from_scratch(item)
    if not isinstance(part, Mapping):
        return
    for key, value in part.items():
        said = (x for x in listed(value) if isinstance(x, Mapping))
        weights = any(x.get("type") == "Pretrained" for x in said)
        if key == "pretrained" or (key == "init_cfg" and weights):
            part[key] = None
        else:
            start_from_scratch(value)


def classes_of(config: Mapping) -> tuple[str, ...] | None:
    """Return the names of the classes that a config trains on, if it says them."""
    dataset = _dataset(config)
    if dataset is None:
        return None
    named = (dataset.get("metainfo") or {}).get("classes")
    kind = dataset.get("type")
    cls = DATASETS.get(kind) if isinstance(kind, str) else kind
    named = named or getattr(cls, "METAINFO", {}).get("classes")
    return tuple(named) if named else None


def ignored_label(config: Mapping) -> int:
    """Return the label that the data set or the metric of a config ignores."""
    said = [_dataset(config) or {}]
    for key in ("val_evaluator", "test_evaluator"):
        said += listed(config.get(key))
    return next((x["ignore_index"] for x in said if "ignore_index" in x), 255)


def crop_of(config: Mapping) -> tuple[int, int] | None:
    """Return height and width of the training's crops, if there is one size of them."""
    pipeline = (_dataset(config) or {}).get("pipeline") or ()
    sizes = [step["crop_size"] for step in pipeline if "crop_size" in step]
    size = sizes[-1] if sizes else config.get("crop_size")
    if size is None:
        return None
    return (size, size) if isinstance(size, int) else tuple(size)


def _dataset(config: Mapping) -> Any:
    """Return the training's data set, of several the first."""
    dataset = (config.get("train_dataloader") or {}).get("dataset")
    while dataset is not None and {"dataset", "datasets"} & dataset.keys():
        dataset = dataset.get("dataset") or dataset["datasets"][0]
    return dataset
