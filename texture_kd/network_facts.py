"""What a network says once, put into the losses that have to know it."""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from mmrazor.registry import MODELS

__all__ = ["with_fact"]


def with_fact(
    name: str, config: Mapping[str, Any], option: str, value: int, said: str
) -> dict[str, Any]:
    """Return a loss's config whose option has the value that the network has.

    Args:
        name: what the loss is called, for the message.
        config: of the loss, with its type; it stays as it is.
        option: of the loss.
        value: the network's.
        said: who has this value, a clause for the message.

    Returns:
        The config, with the option if the loss has it.

    Raises:
        ValueError: the config has another value.
    """
    config = dict(config)
    kind = config.get("type")
    loss = kind if isinstance(kind, type) else MODELS.get(str(kind))
    # The registry says it better when it builds the loss.
    if loss is None or option not in signature(loss).parameters:
        return config
    written = config.setdefault(option, value)
    if written != value:
        raise ValueError(
            f"{name} has {option}={written}, and {said}: leave {option} out of {name}, "
            f"which takes {value} by itself, or correct the one that is wrong"
        )
    return config
