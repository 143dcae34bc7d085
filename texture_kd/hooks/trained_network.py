"""The network that a runner trains."""

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from texture_kd.predicting_head import predicting_head


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


def auxiliary_heads(runner: Runner) -> list[nn.Module]:
    """Return the auxiliary heads of the network that is trained.

    Args:
        runner: with its model.
    """
    heads = getattr(trained_network(runner), "auxiliary_head", None)
    if heads is None:
        return []
    return [*heads] if isinstance(heads, nn.ModuleList) else [heads]


def decode_head(runner: Runner) -> nn.Module | None:
    """Return the head that predicts, a cascade's last, or None.

    Args:
        runner: with its model.
    """
    return predicting_head(trained_network(runner))
