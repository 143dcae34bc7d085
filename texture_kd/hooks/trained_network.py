"""The network that a runner trains."""

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn


def unwrapped(runner: Runner) -> nn.Module:
    """Return a runner's model without what several processes wrap it in.

    Args:
        runner: with its model built.
    """
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def trained_network(runner: Runner) -> nn.Module:
    """Return the segmentor, in a distillation the student's, without a wrapper.

    Args:
        runner: with its model built.

    Returns:
        The segmentor.
    """
    model = unwrapped(runner)
    return getattr(model, "student", model)
