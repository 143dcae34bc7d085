"""The label that losses ignore, as the network that learns from the labels has it."""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from mmrazor.registry import MODELS


def with_ignore_index(
    name: str, config: Mapping[str, Any], ignore_index: int, whose: str
) -> dict[str, Any]:
    """Return a loss's config that ignores the label that the network ignores.

    Args:
        name: what the loss is called, for the message.
        config: of the loss, with its type; it stays as it is.
        ignore_index: label of the pixels that do not count.
        whose: who says so, for the message.

    Returns:
        The config, with ``ignore_index`` if the loss has this option.

    Raises:
        ValueError: the config has another one.
    """
    config = dict(config)
    kind = config.get("type")
    loss = kind if isinstance(kind, type) else MODELS.get(str(kind))
    # The registry says it better when it builds the loss.
    if loss is None or "ignore_index" not in signature(loss).parameters:
        return config
    written = config.setdefault("ignore_index", ignore_index)
    if written != ignore_index:
        raise ValueError(
            f"{name} has ignore_index={written}, and {whose} ignores the label "
            f"{ignore_index}: leave ignore_index out of {name}, which takes "
            f"{ignore_index} by itself, or correct the one that is wrong"
        )
    return config
