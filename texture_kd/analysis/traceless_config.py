"""A training's config that leaves nothing behind."""

import copy

from mmengine.config import Config

__all__ = ["without_traces"]


def without_traces(config: Config, folder: str) -> Config:
    """Return a training's config that leaves nothing behind.

    Args:
        config: of the training; it stays as it is.
        folder: for what cannot be helped.
    """
    # No Config of a dict, in which classes would be names.
    config = copy.deepcopy(config)
    config.work_dir = folder
    config.resume = False
    config.log_level = "ERROR"
    config.default_hooks = dict(config.get("default_hooks", {}), checkpoint=None)
    # Neither a picture nor a run on a server.
    config.visualizer = None
    for name in ("val_evaluator", "test_evaluator"):
        metrics = config.get(name) or []
        for metric in metrics if isinstance(metrics, list | tuple) else [metrics]:
            if "output_dir" in metric:
                metric["output_dir"] = folder
    return config
