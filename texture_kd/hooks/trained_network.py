"""The network that a runner trains."""

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn


def trained_network(runner: Runner) -> nn.Module:
    """Return the segmentor, in a distillation the student's, without a wrapper.

    Args:
        runner: with its model built.

    Returns:
        The segmentor.
    """
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    return getattr(model, "student", model)
