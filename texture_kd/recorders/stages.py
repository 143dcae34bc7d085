"""Records several features of a network as one."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from torch import Tensor, nn

from texture_kd.recorders.switched import SwitchedRecorder
from texture_kd.versions import has_version

__all__ = ["StagesRecorder"]


class StagesRecorder(SwitchedRecorder):
    """Record the stages of a network whose backbone does not return them.

    In a config it is ``dict(type='Stages', source=['backbone.stem', ...])`` among the
    recorders of either network. The record is a tuple of the features (N, C, H, W), in
    this order, for a loss of all stages; a backbone that returns just these is recorded
    by MMRazor's ``ModuleOutputs``.

    Args:
        source: where each feature is: ``NAME``, what the module returns; ``NAME:I``,
            item I of the tuple that it returns; or ``NAME:input``, what it is given
            first, for features that are changed in place behind their own module.

    Raises:
        ValueError: there is no source, or a module runs more than once in a pass.
    """

    def __init__(self, source: Sequence[str]) -> None:
        sources = (source,) if isinstance(source, str) else tuple(source)
        super().__init__(", ".join(sources))
        self._features: dict[int, tuple[Tensor, int]] = {}
        if not sources:
            raise ValueError("a recorder of stages needs at least one source")
        self._sources = [_parsed(name) for name in sources]

    @property
    def modules(self) -> list[str]:
        """Names of the modules that are listened to."""
        return list(dict.fromkeys(source.module for source in self._sources))

    @property
    def taken(self) -> list[tuple[Tensor, int]]:
        """Features of this pass so far, each with its version when it was taken."""
        return [pair for pair in self._features.values() if has_version(pair[0])]

    def prepare_from_model(self, model: nn.Module | None = None) -> None:
        """Listen to the modules.

        Args:
            model: the network.
        """
        for index, source in enumerate(self._sources):
            module = model.get_submodule(source.module)
            if source.item == "input":
                module.register_forward_pre_hook(partial(self._hook, index, source))
            else:
                module.register_forward_hook(partial(self._hook, index, source))

    def _hook(
        self, index: int, source: "_Source", module: nn.Module, *given: Any
    ) -> None:
        if not self._recording:
            return
        if index in self._features:
            raise ValueError(
                f"The recorder of stages looks for {source.module!r}, which runs more "
                "than once: name a module that runs once."
            )
        feature = source.feature(*given)
        self._features[index] = feature, feature._version if has_version(feature) else 0
        if len(self._features) == len(self._sources):
            pairs = [self._features[i] for i in range(len(self._sources))]
            self.data_buffer.append(tuple(feature for feature, _ in pairs))

    def reset_data_buffer(self) -> None:
        """Give up what is recorded."""
        super().reset_data_buffer()
        self._features = {}


class _Source(NamedTuple):
    """Where a feature is: of a module its output, an item of it, or its input."""

    module: str
    item: str

    def feature(self, inputs: tuple, output: Any = None) -> Tensor:
        feature = inputs[0] if self.item == "input" else output
        if self.item.isdigit():
            feature = output[int(self.item)]
        if not isinstance(feature, Tensor):
            raise ValueError(
                f"The recorder of stages found a {type(feature).__name__} at "
                f"{':'.join(filter(None, self))!r}, and not a feature."
            )
        return feature


def _parsed(source: str) -> _Source:
    module, _, item = source.partition(":")
    if item and item != "input" and not item.isdigit():
        raise ValueError(
            f"expected NAME, NAME:I or NAME:input of a stage, got {source!r}"
        )
    return _Source(module, item)
