"""A network's config on a data set of one's own."""

import copy
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from texture_kd.compose.configs import (
    classes_of,
    crop_of,
    heads_of,
    ignored_label,
    listed,
)

__all__ = ["on_data"]

# What the pipeline makes for a network's own loss, and not of the images.
_FOR_LOSSES = ("GenerateEdge",)


def on_data(config: Config, data: Config) -> Config:
    """Return a training's config on other data.

    Loaders, metrics and whatever else the data's config says take the place of the
    training's own. The number of classes, the ignored label and the size of crops are
    set in all heads and in the data preprocessor, weights of the other classes are left
    out, and what only the network's loss needs of the pipeline is put in.

    Args:
        config: of a network with its training.
        data: with ``train_dataloader``, loaders and metrics of validation and test, and
            any more.

    Raises:
        ValueError: the data's config has no data set, or does not say its classes.
    """
    names = classes_of(data)
    if names is None:
        raise ValueError(
            "the data's config does not say its classes: give its train_dataloader's "
            "dataset a metainfo=dict(classes=(...))"
        )
    own = copy.deepcopy(config.to_dict())
    model = own["model"]
    given = {k: v for k, v in data.to_dict().items() if k != "model"}
    preprocessor = model.setdefault("data_preprocessor", {})
    preprocessor.update(given.pop("data_preprocessor", {}))
    _set_classes(model, len(names), ignored_label(data), classes_of(config) == names)
    preprocessor["seg_pad_val"] = ignored_label(data)
    crop = crop_of(data)
    if crop:
        _set_crop(model, crop)
    steps = _steps_for_losses(own)
    own.update(copy.deepcopy(given))
    _put_in(own, steps)
    own["data_preprocessor"] = preprocessor
    return Config(own)


def _set_classes(model: dict[str, Any], classes: int, ignored: int, same: bool) -> None:
    heads = list(heads_of(model))
    before = heads[-1]["num_classes"]
    for head in heads:
        # A head of edges has classes of its own.
        if head.get("num_classes") == before and head["type"] != "STDCHead":
            head.update(num_classes=classes, ignore_index=ignored)
            head.pop("out_channels", None)
            if not same:
                _drop_weights(head)


def _drop_weights(head: dict[str, Any]) -> None:
    """Leave out a head's weights of classes, which are others now."""
    for loss in listed(head.get("loss_decode")):
        loss.pop("class_weight", None)


def _set_crop(model: dict[str, Any], crop: tuple[int, int]) -> None:
    preprocessor = model["data_preprocessor"]
    preprocessor.pop("size_divisor", None)
    preprocessor["size"] = crop
    # Transformers whose embeddings of positions are of one size of images.
    backbone = model["backbone"]
    if "img_size" in backbone:
        square = crop[0] == crop[1] and isinstance(backbone["img_size"], int)
        backbone["img_size"] = crop[0] if square else crop
    test = model.get("test_cfg") or {}
    if test.get("mode") == "slide":
        test["crop_size"] = crop
        test["stride"] = tuple(max(1, side * 2 // 3) for side in crop)


def _steps_for_losses(config: Mapping) -> list[dict]:
    pipelines = _pipelines((config.get("train_dataloader") or {}).get("dataset"))
    return [x for steps in pipelines[:1] for x in steps if x["type"] in _FOR_LOSSES]


def _put_in(config: dict[str, Any], steps: list[dict]) -> None:
    for pipeline in _pipelines(config["train_dataloader"]["dataset"]):
        there = {step["type"] for step in pipeline}
        pipeline[-1:-1] = [step for step in steps if step["type"] not in there]


def _pipelines(dataset: Any) -> list[list[dict]]:
    """Return the pipelines of a data set, and of those that it wraps."""
    if isinstance(dataset, (list, tuple)):
        return [steps for item in dataset for steps in _pipelines(item)]
    if not dataset:
        return []
    inner = [x for key in ("dataset", "datasets") for x in _pipelines(dataset.get(key))]
    return inner or ([dataset["pipeline"]] if dataset.get("pipeline") else [])
