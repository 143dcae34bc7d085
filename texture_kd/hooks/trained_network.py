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


def heads_beside(runner: Runner) -> dict[str, nn.Module]:
    """Return the heads that learn beside the one that predicts.

    Args:
        runner: with its model.

    Returns:
        By what they are called the auxiliary heads and those before a cascade's last.
    """
    network = trained_network(runner)
    earlier = _listed(getattr(network, "decode_head", None))[:-1]
    auxiliary = _listed(getattr(network, "auxiliary_head", None))
    return {
        **{f"decode head {i} of the cascade": head for i, head in enumerate(earlier)},
        **{f"auxiliary head {i}": head for i, head in enumerate(auxiliary)},
    }


def _listed(heads: nn.Module | None) -> list[nn.Module]:
    if heads is None:
        return []
    return [*heads] if isinstance(heads, nn.ModuleList) else [heads]


def decode_head(runner: Runner) -> nn.Module | None:
    """Return the head that predicts, a cascade's last, or None.

    Args:
        runner: with its model.
    """
    return predicting_head(trained_network(runner))
