"""texture_kd's own registry scope, for ``type='texture_kd.CDMLoss'`` in any config.

MMEngine imports this module when it meets the scope ``texture_kd`` for the first time,
and ``locations`` when something is looked up in it.
"""

import sys

import mmrazor.registry
import mmseg.registry
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_CONSTRUCTORS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import TASK_UTILS as MMENGINE_TASK_UTILS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import Registry

__all__ = [
    "DATASETS",
    "HOOKS",
    "METRICS",
    "MODELS",
    "OPTIM_WRAPPERS",
    "OPTIM_WRAPPER_CONSTRUCTORS",
    "TASK_UTILS",
    "TRANSFORMS",
]


def _registry(name: str, parent: Registry) -> Registry:
    return Registry(
        name, parent=parent, scope="texture_kd", locations=["texture_kd.components"]
    )


MODELS = _registry("model", MMENGINE_MODELS)
DATASETS = _registry("dataset", MMENGINE_DATASETS)
TRANSFORMS = _registry("transform", MMENGINE_TRANSFORMS)
TASK_UTILS = _registry("task util", MMENGINE_TASK_UTILS)
HOOKS = _registry("hook", MMENGINE_HOOKS)
METRICS = _registry("metric", MMENGINE_METRICS)
OPTIM_WRAPPERS = _registry("optimizer wrapper", MMENGINE_OPTIM_WRAPPERS)
OPTIM_WRAPPER_CONSTRUCTORS = _registry(
    "optimizer wrapper constructor", MMENGINE_CONSTRUCTORS
)


def register(kind: str, *classes: type) -> None:
    """Register classes by their names here, in MMRazor and in MMSegmentation.

    Args:
        kind: name of a registry, such as ``"MODELS"``.
        *classes: what a config can name then.

    Raises:
        ValueError: another class has the name already.
    """
    packages = (mmrazor.registry, mmseg.registry, sys.modules[__name__])
    registries = [getattr(package, kind) for package in packages]
    for cls in classes:
        for registry in registries:
            other = registry.module_dict.get(cls.__name__)
            if other is not None and other is not cls:
                raise ValueError(
                    f"{other.__module__} has registered a {cls.__name__} in the "
                    f"registry {registry.name!r} of {registry.scope}, and texture_kd "
                    "has one: give yours another name, or a scope of its own"
                )
    for registry in registries:
        for cls in classes:
            registry.register_module(module=cls)


def class_name(kind: str | type) -> str:
    """Return the name of a class that a config gives as ``type``, without its scope.

    Args:
        kind: a name with or without a scope or a path, or the class itself.
    """
    return kind.split(".")[-1] if isinstance(kind, str) else kind.__name__
