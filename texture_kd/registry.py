"""texture_kd's own registry scope, for ``type='texture_kd.CDMLoss'`` in any config.

MMEngine imports this module when it meets the scope ``texture_kd`` for the first time,
and ``locations`` when something is looked up in it.
"""

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
