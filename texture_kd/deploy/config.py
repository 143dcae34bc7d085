"""The config of a trained student, for MMSegmentation alone."""

from typing import Any

from mmengine.config import Config, ConfigDict

import texture_kd.components  # noqa: F401
from texture_kd import registry
from texture_kd.algorithms.stock_network import stock_network
from texture_kd.analysis.unknown_types import config_types

_PACKAGES = ("texture_kd", "mmrazor")
# What testing needs and a training's config has.
_KEPT = (
    "env_cfg",
    "log_level",
    "log_processor",
    "vis_backends",
    "visualizer",
    "tta_model",
    "tta_pipeline",
)
_TEST = ("test_dataloader", "test_evaluator", "test_cfg")
_LOAD = dict(type="LoadImageFromFile")


def student_config(config: Config) -> Config:
    """Return what tests the student, or a segmentor that was trained alone.

    Args:
        config: of the training.

    Returns:
        Its model, and what it is tested with, as far as MMSegmentation has it: see
        :func:`left_out`. The pipeline for single images is kept without the transforms
        of this package, and begins with an image file.

    Raises:
        ValueError: the config has no model.
    """
    plain: dict[str, Any] = dict(
        default_scope="mmseg",
        model=_student(config),
        test_pipeline=_pipeline(config),
        # MMSegmentation's test.py sets whether it draws.
        default_hooks=dict(visualization=dict(type="SegVisualizationHook")),
    )
    kept = (*_KEPT, *(() if left_out(config) else _TEST))
    plain.update(
        {k: config[k] for k in kept if k in config and not package_types(config[k])}
    )
    modules = _modules(config.get("custom_imports"))
    if modules:
        plain["custom_imports"] = dict(imports=modules, allow_failed_imports=False)
    return Config(ConfigDict(plain).to_dict())


def left_out(config: Config) -> list[str]:
    """Name what the test data and metrics need of this package.

    Args:
        config: of the training.

    Returns:
        Types that MMSegmentation does not have, and for which :func:`student_config`
        leaves out the test data.
    """
    return package_types([config.get(key) for key in _TEST])


def package_types(config: Any) -> list[str]:
    """Name the types in a config that are this package's, or MMRazor's.

    Args:
        config: any part of a config.

    Returns:
        Their names, sorted.
    """
    known = {
        name
        for kind in registry.__all__
        for name in getattr(registry, kind).module_dict
    }
    return sorted(
        {
            name
            for _, name in config_types(config)
            if name in known or name.split(".")[0] in _PACKAGES
        }
    )


def _student(config: Config) -> dict:
    model = config.get("model")
    if not isinstance(model, dict):
        raise ValueError("the checkpoint's config has no model")
    student = dict(model.get("architecture", model))
    if "cfg_path" in student:
        if registry.class_name(model.get("type", "")) != "TextureDistill":
            # MMRazor leaves out what follows it.
            student = dict(cfg_path=student["cfg_path"])
        student = dict(stock_network(dict(student, pretrained=False)).model)
        student.pop("_scope_")
    # The runner gives its own to a model that has none, and a distillation's prepares
    # the images of its student, whatever that says.
    for prepare in (model.get("data_preprocessor"), config.get("data_preprocessor")):
        if prepare:
            return dict(student, data_preprocessor=prepare)
    return student


def _pipeline(config: Config) -> list[dict]:
    dataset = config.get("test_dataloader", {}).get("dataset", {})
    transforms = config.get("test_pipeline") or dataset.get("pipeline", [])
    stock = [transform for transform in transforms if not package_types(transform)]
    return stock if any(map(_loads_image, stock)) else [_LOAD, *stock]


def _loads_image(transform: dict) -> bool:
    name = registry.class_name(transform["type"])
    return name.startswith("Load") and "Annotation" not in name


def _modules(imports: dict | None) -> list[str]:
    modules = (imports or {}).get("imports") or []
    modules = [modules] if isinstance(modules, str) else modules
    return [name for name in modules if name.split(".")[0] not in _PACKAGES]
