"""What MMSegmentation's own losses make of ignored pixels, as of its version 1.2.2."""

from collections.abc import Iterator

import mmseg
from mmseg.models.losses import (
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    OhemCrossEntropy,
    TverskyLoss,
)
from torch import Tensor, nn

from texture_kd.predicting_head import predicting_head

_LIBRARY = f"MMSegmentation {mmseg.__version__}"
# Those that the head does not tell, with their own option.
_NOT_TOLD = {OhemCrossEntropy: "ignore_label", TverskyLoss: "ignore_index"}


def loss_faults(network: nn.Module, labels: Tensor) -> Iterator[str]:
    """Say where a segmentor's own losses cannot do with ignored pixels.

    Args:
        network: that is trained.
        labels: of a batch, integers, padding included.

    Yields:
        Sentences, each on a loss of a head.
    """
    for where, ignored, loss in head_losses(network):
        if isinstance(loss, DiceLoss) and _are_there(ignored, labels):
            yield (
                f"{where} of {_LIBRARY} takes the ignored pixels for pixels of no "
                "class, and trains on them"
            )
        for kind, option in _NOT_TOLD.items():
            own = getattr(loss, option, ignored)
            if isinstance(loss, kind) and own != ignored:
                yield (
                    f"{where} of {_LIBRARY} ignores the label {own}, and its head "
                    f"{ignored}: set its {option}={ignored}"
                )
        if _lacks_weight(loss, ignored):
            yield _without_weight(where, ignored, loss)


def unweighted(network: nn.Module, labels: Tensor) -> Iterator[tuple[nn.Module, str]]:
    """Find MMSegmentation's losses that look up a weight for ignored pixels.

    Args:
        network: that is trained.
        labels: of a batch, integers, padding included.

    Yields:
        Each CrossEntropyLoss with class weights, and a sentence, where the batch has
        ignored pixels.
    """
    for where, ignored, loss in head_losses(network):
        if _lacks_weight(loss, ignored) and _are_there(ignored, labels):
            yield loss, _without_weight(where, ignored, loss)


def learns_each_class_alone(network: nn.Module) -> bool:
    """Tell whether a decode head of several channels learns by sigmoids alone.

    Args:
        network: that is trained.
    """
    head = predicting_head(network)
    kinds = [
        isinstance(loss, CrossEntropyLoss | FocalLoss) and loss.use_sigmoid
        for where, _, loss in head_losses(network)
        if where.startswith("decode_head")
    ]
    return getattr(head, "out_channels", 1) > 1 and bool(kinds) and all(kinds)


def head_losses(network: nn.Module) -> Iterator[tuple[str, int, nn.Module]]:
    """Find the losses of a segmentor's heads.

    Args:
        network: that is trained.

    Yields:
        Where a loss stands, what its head ignores, and the loss.
    """
    for name in ("decode_head", "auxiliary_head"):
        heads = getattr(network, name, None)
        for head in heads if isinstance(heads, nn.ModuleList) else [heads]:
            losses = getattr(head, "loss_decode", None)
            for loss in losses if isinstance(losses, nn.ModuleList) else [losses]:
                where = f"{name}.loss_decode ({type(loss).__name__})"
                if loss is not None and hasattr(head, "ignore_index"):
                    yield where, head.ignore_index, loss


def _are_there(ignored: int, labels: Tensor) -> bool:
    return bool((labels == ignored).any())


def _lacks_weight(loss: nn.Module, ignored: int) -> bool:
    """Tell whether the mean is over weights of which ignored pixels have none."""
    if not isinstance(loss, CrossEntropyLoss) or loss.class_weight is None:
        return False
    looked_up = loss.reduction == "mean" and not (loss.use_sigmoid or loss.use_mask)
    count = len(loss.class_weight)
    return looked_up and not -count <= ignored < count


def _without_weight(where: str, ignored: int, loss: CrossEntropyLoss) -> str:
    return (
        f"{where} of {_LIBRARY} looks up a class_weight for each pixel, and ignored "
        f"ones, of label {ignored}, have none among its {len(loss.class_weight)}: "
        "training ends there with an IndexError. Leave class_weight out, or take a "
        "loss that weighs classes and ignores pixels, such as OhemCrossEntropy"
    )
