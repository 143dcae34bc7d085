"""What a network of a config has to compare: its stages and its logits."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from mmengine.config import ConfigDict
from torch import Tensor, nn

from texture_kd.algorithms.built_network import built_network
from texture_kd.faults import PROBLEMS
from texture_kd.input_channels import input_channels
from texture_kd.predicting_head import predicting_head
from texture_kd.recipes import Shapes
from texture_kd.stage_search import Found, find_stages, named_stages

__all__ = ["Network", "looked_at"]

# Sides that 32 divides. Heads that pool windows of a fixed size want the second.
_SIZES = ((128, 256), (512, 1024))
_PARTS = ("backbone", "neck")


class Network(NamedTuple):
    """What there is of a network to compare.

    Attributes:
        stages: from the finest.
        whole: name of the module that returns just these, if there is one.
        logits: name of the module that returns the logits, if there is one.
        classes: how many channels these have.
        channels: how many the images have.
    """

    stages: tuple[Found, ...]
    whole: str | None
    logits: str | None
    classes: int
    channels: int = 3

    @property
    def shapes(self) -> Shapes:
        """The sizes, as recipes read them."""
        grid = self.stages[0].shape[2:] if self.stages else (1, 1)
        logits = (1, self.classes, *grid) if self.logits else None
        images = (1, self.channels, *grid)
        return Shapes(tuple(stage.shape for stage in self.stages), logits, images)

    def chosen(self, indices: Sequence[int]) -> "Network":
        """Return the network with these of its stages."""
        stages = tuple(self.stages[i] for i in indices)
        return self._replace(
            stages=stages, whole=self.whole if stages == self.stages else None
        )


def looked_at(side: str, model: Mapping, sources: Sequence[str] | None) -> Network:
    """Build a network with random weights, run it, and say what there is to compare.

    Args:
        side: ``"student"`` or ``"teacher"``, for the messages.
        model: its config.
        sources: of its stages, as ``StagesRecorder`` takes them; empty for none, and
            None for what :func:`texture_kd.stage_search.find_stages` finds in its
            backbone.

    Raises:
        ValueError: it does not run, or its stages are not found.
    """
    try:
        with torch.random.fork_rng(devices=[]):
            network = built_network(ConfigDict(model)).eval()
    except PROBLEMS as error:
        raise ValueError(f"the {side} cannot be built: {error}") from error
    failed: Exception | None = None
    # Position embeddings may fit crops of the training's size alone.
    crop = (model.get("data_preprocessor") or {}).get("size")
    for size in (*_SIZES, *([tuple(crop)] if crop else [])):
        try:
            return _looked_at(side, network, size, sources)
        except (RuntimeError, TypeError) as error:
            failed = failed or error
    raise ValueError(f"the {side} does not run on an image: {failed}")


def _looked_at(
    side: str,
    network: nn.Module,
    size: tuple[int, int],
    sources: Sequence[str] | None,
) -> Network:
    images = torch.rand(1, input_channels(network), *size)
    head = predicting_head(network)
    candidates = [name for name, part in network.named_modules() if part is head]
    candidates = [f"{candidates[0]}.conv_seg", *candidates] if candidates else []
    with _outputs(network, (*_PARTS, *candidates)) as outputs:
        run = partial(network, images, mode="tensor")
        if sources is None:
            stages = find_stages(network, images, run, "backbone")
        else:
            stages = named_stages(network, images, run, sources)
    if not stages and sources is None:
        parts = ", ".join(name for name, _ in network.backbone.named_children())
        raise ValueError(
            f"the stages of the {side} are not found: name them by --{side}-stages; "
            f"its backbone, {type(network.backbone).__name__}, has {parts}"
        )
    classes = getattr(head, "out_channels", 0)
    logits = [x for x in candidates if _channels(outputs.get(x)) == classes]
    whole = [x for x in _PARTS if _sizes(outputs.get(x)) == [s.shape for s in stages]]
    return Network(
        tuple(stages),
        whole[0] if whole and sources is None else None,
        logits[0] if logits else None,
        classes,
        images.shape[1],
    )


@contextmanager
def _outputs(network: nn.Module, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Keep what modules return, those that there are."""
    outputs: dict[str, Any] = {}

    def keep(name: str, module: nn.Module, inputs: tuple, output: Any) -> None:
        outputs[name] = output

    modules = dict(network.named_modules())
    handles = [
        modules[name].register_forward_hook(partial(keep, name))
        for name in names
        if name in modules
    ]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def _channels(output: Any) -> int | None:
    return output.shape[1] if isinstance(output, Tensor) else None


def _sizes(output: Any) -> list[tuple[int, ...]] | None:
    if not isinstance(output, (tuple, list)):
        return None
    return [tuple(getattr(item, "shape", ())) for item in output]
