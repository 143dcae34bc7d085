"""The stages of a network, recorded while it runs, and its logits."""

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from texture_kd.versions import Versions

__all__ = ["Logits", "Stages", "has_modules", "network_logits", "stage_names"]

Logits = str | Callable[[Any], Tensor] | None

# What four stages are called in the libraries that there are; a fifth is none of them.
_FAMILIES = tuple(
    tuple(template.format(start + i) for i in range(5))
    for template, start in (
        ("layer{}", 1),
        ("stages.{}", 0),
        ("layers.{}", 0),
        ("stage{}", 1),
    )
)
_LOGITS = ("logits", "out")


class Stages:
    """What the stages of a network return while it runs.

    The hooks stay on the network, so that a compiled one has them, and are idle but
    within :meth:`recorded`; those of copies of the network always are.

    Attributes:
        network: the network.
        outputs: of each stage (N, C, H, W), None of those that have not run.

    Args:
        side: ``"student"`` or ``"teacher"``, for the messages.
        network: whose stages they are.
        names: of the modules, or of the one that returns all.
    """

    def __init__(self, side: str, network: nn.Module, names: Sequence[str]) -> None:
        self.side, self.network, self.names = side, network, tuple(names)
        self.outputs: list[Tensor | None] = []
        self._versions = Versions()
        self._taps = [_Tap(index) for index in range(len(names))]
        for name, tap in zip(names, self._taps, strict=True):
            module = own_network(network).get_submodule(name)
            handle = module.register_forward_hook(tap)
            weakref.finalize(self, handle.remove)

    def name(self, number: int) -> str:
        """Return the name of the module that returns a stage.

        Args:
            number: of the stage, from 0.
        """
        return self.names[number if len(self.names) > 1 else 0]

    @contextmanager
    def recorded(
        self, when_ran: Callable[[], object] | None = None, stop: bool = False
    ) -> Iterator[None]:
        """Record what the network runs within this context.

        Args:
            when_ran: called after each stage.
            stop: end the network's run, and the context, after its last stage.
        """
        self.outputs, self._versions = [None] * len(self.names), Versions()
        self._learns = torch.is_grad_enabled()

        def take(index: int, output: Any) -> None:
            self._take(index, output)
            if when_ran:
                when_ran()
            if stop and None not in self.outputs:
                raise _AllRan

        try:
            for tap in self._taps:
                tap.take = take
            yield
        except _AllRan:
            pass
        finally:
            for tap in self._taps:
                tap.take = None
        self._check()
        self._versions = Versions()

    def _take(self, index: int, output: Any) -> None:
        name = self.names[index]
        if self.outputs[index] is not None:
            raise ValueError(
                f"the {self.side} runs its stage {name!r} more than once: name a "
                "module that runs once"
            )
        if len(self.names) > 1 or isinstance(output, Tensor):
            self.outputs[index] = self._feature(name, output)
            return
        maps = [*output.values()] if isinstance(output, Mapping) else output
        if not isinstance(maps, (tuple, list)):
            maps = [output]
        self.outputs = [self._feature(name, x) for x in maps]

    def _feature(self, name: str, output: Any) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim != 4:
            raise ValueError(
                f"expected a feature (N, C, H, W) from the {self.side}'s stage "
                f"{name!r}, got {_described(output)}"
            )
        if self._learns and not torch.is_grad_enabled():
            raise ValueError(
                f"the {self.side}'s stage {name!r} runs without gradient, inside of a "
                "checkpointed block or under torch.no_grad(): name the block around it"
            )
        self._versions.note(name, output)
        return output

    def _check(self) -> None:
        for name, output in zip(self.names, self.outputs, strict=False):
            if output is None:
                raise ValueError(
                    f"the {self.side} did not run its stage {name!r}; if it was "
                    "compiled and has run before, compile it once more, behind this"
                )
        changed = self._versions.changed()
        if changed:
            raise ValueError(
                f"the {self.side} changes what its stage {changed[0]!r} returns in "
                "place afterwards: name the module behind it, such as the whole block"
            )

    def forget(self) -> None:
        """Give up what was recorded."""
        self.outputs, self._versions = [], Versions()


class _Tap:
    """A hook that hands on what a module returns, if it is wanted."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.take: Callable[[int, Any], None] | None = None

    def __call__(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if self.take is not None:
            self.take(self.index, output)

    def __deepcopy__(self, memo: dict) -> "_Tap":
        return _Tap(self.index)

    def __reduce__(self) -> tuple:
        return _Tap, (self.index,)


class _AllRan(BaseException):
    """All that is wanted of a network is there."""


def own_network(network: nn.Module) -> nn.Module:
    """Return the network inside of what PyTorch wraps about it."""
    while True:
        inner = getattr(network, "_orig_mod", None)
        if inner is None and type(network).__name__ == "DistributedDataParallel":
            inner = network.module
        if inner is None:
            return network
        network = inner


def stage_names(
    side: str, network: nn.Module, names: str | Sequence[str] | None
) -> tuple[str, ...]:
    """Return the names of a network's stages.

    Args:
        side: ``"student"`` or ``"teacher"``, for the messages.
        network: whose modules they are.
        names: as they were given, or None to find them.

    Returns:
        Names of modules.

    Raises:
        ValueError: a name is unknown, or none was given and none is found.
    """
    modules = _modules(network)
    if names is None:
        return _found(side, modules)
    names = (names,) if isinstance(names, str) else tuple(names)
    for name in names:
        if name not in modules:
            raise ValueError(
                f"the {side} has no module {name!r} for {side}_stages; "
                f"{_listed(modules)}"
            )
    check_once(f"{side}_stages", names)
    return names


def check_once(what: str, names: Sequence[str]) -> None:
    """Refuse a stage that is named twice, and would count twice.

    Args:
        what: is named, for the message.
        names: of the stages.

    Raises:
        ValueError: one stands there again.
    """
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ValueError(f"{what} names {name!r} twice: name each stage once")


def has_modules(network: nn.Module, names: Sequence[str]) -> bool:
    """Tell whether a network has modules of these names.

    Args:
        network: whose modules they may be.
        names: as :func:`stage_names` returns them.
    """
    return _modules(network).keys() >= {*names}


def network_logits(side: str, output: Any, where: Logits = None) -> Tensor:
    """Return the logits in what a network returned.

    Args:
        side: ``"student"`` or ``"teacher"``, for the messages.
        output: what it returned.
        where: a key or an attribute, or a function of the output. By default a tensor
            is itself, and of others ``logits``, ``out`` or the first item is taken.

    Returns:
        Logits (N, K, H, W).

    Raises:
        ValueError: there are none.
    """
    if callable(where):
        logits = where(output)
    elif isinstance(where, str):
        logits = _item(output, where)
    else:
        logits = output
        if not isinstance(output, Tensor):
            named = (_item(output, name) for name in _LOGITS)
            logits = next((x for x in named if x is not None), None)
        if logits is None and isinstance(output, (tuple, list)) and output:
            logits = output[0]
    if not isinstance(logits, Tensor) or logits.ndim != 4:
        raise ValueError(
            f"expected logits (N, K, H, W) from the {side}, got {_described(output)}: "
            f"say by {side}_logits where they are"
        )
    return logits


def _modules(network: nn.Module) -> dict[str, nn.Module]:
    return dict(own_network(network).named_modules(remove_duplicate=False))


def _item(output: Any, name: str) -> Any:
    if isinstance(output, Mapping):
        return output.get(name)
    return getattr(output, name, None)


def _found(side: str, modules: Mapping[str, nn.Module]) -> tuple[str, ...]:
    """Find the first family of names below any module, the shortest first."""
    for prefix in sorted(modules, key=lambda name: (name.count("."), len(name))):
        for family in _FAMILIES:
            names = tuple(f"{prefix}.{name}".lstrip(".") for name in family)
            if modules.keys() >= {*names[:4]} and names[4] not in modules:
                return names[:4]
    raise ValueError(
        f"the stages of the {side} are not found: name them by {side}_stages; "
        f"{_listed(modules)}"
    )


def _listed(modules: Mapping[str, nn.Module]) -> str:
    """List the modules next to the root."""
    for depth in (1, 0):
        names = [name for name in modules if name and name.count(".") <= depth]
        if len(names) <= 40:
            break
    return f"there are {', '.join(names[:40])}"


def _described(output: Any) -> str:
    if isinstance(output, Tensor):
        return f"a tensor {tuple(output.shape)}"
    if isinstance(output, Mapping):
        return f"a {type(output).__name__} of {', '.join(map(str, output))}"
    if isinstance(output, (tuple, list)):
        return f"a {type(output).__name__} of {len(output)}"
    return f"a {type(output).__name__}"
