"""Where the stages of a network are: at each stride what the next one is made of."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from texture_kd.stages import check_once

__all__ = ["Found", "find_stages", "named_stages"]

_STRIDES = (4, 8, 16, 32)
Size = tuple[int, int]


class Found(NamedTuple):
    """A stage of a network.

    Attributes:
        source: ``NAME`` of the module that returns it, ``NAME:I`` where it is item I of
            a tuple, or ``NAME:input`` where it is what a module is given first.
        shape: (N, C, H, W).
        stride: pixels of the image to one of the stage, rows or columns.
    """

    source: str
    shape: tuple[int, ...]
    stride: int


class _Map(NamedTuple):
    """A feature at a moment: the tensor, and what it has been through by then."""

    tensor: Tensor
    version: int
    stride: int | None


class _Call(NamedTuple):
    """A module's run: when it began and ended, and what it took and gave."""

    name: str
    start: int
    end: int
    taken: _Map | None
    given: dict[str, _Map]

    @property
    def stride(self) -> int | None:
        """Stride of the one map that it gave."""
        return self.given[""].stride if "" in self.given else None


def find_stages(
    network: nn.Module, images: Tensor, run: Callable[[], Any], inside: str = ""
) -> list[Found]:
    """Find a network's stages at strides 4, 8, 16 and 32, as far as it has them.

    A module that returns several maps, from stride 4 or less on and each no larger than
    the one before, returns the stages: the backbones of classification. Otherwise a
    stage is the map of a stride that the first module takes which makes one of twice
    the stride of it; the last is what the module that makes it, or the largest around
    that, returns, or what the rest of its list makes of that. Branches at the side and
    decoders behind do not count.

    Args:
        network: any.
        images: (N, C, H, W), what ``run`` runs it on; sides that 32 divides, and of
            which no pooled map looks like a stage.
        run: runs the network, without gradient.
        inside: name of the module that is looked into, such as ``"backbone"``.

    Returns:
        The stages from the finest; empty where there is none.
    """
    calls = _calls(network, images, run, inside)
    runs = Counter(call.name for call in calls)
    once = [call for call in calls if runs[call.name] == 1]
    reduced = _returned(once, inside) or _reduced(once)
    whole = [call for call in once if call.name == inside]
    if len(reduced) == 1 and whole and whole[0].stride is None:
        # A transformer without stages, whose one map in between is of its patches.
        given = whole[0].given.items()
        return [_found(f"{inside}:{item}", value) for item, value in given]
    return reduced


def named_stages(
    network: nn.Module, images: Tensor, run: Callable[[], Any], sources: Sequence[str]
) -> list[Found]:
    """Return the stages of these sources.

    Args:
        network: any.
        images: (N, C, H, W), what ``run`` runs it on.
        run: runs the network, without gradient.
        sources: as :class:`Found` has them.

    Raises:
        ValueError: there is no such module, or it gives no feature, or runs more than
            once.
    """
    modules = dict(network.named_modules())
    check_once("the list of stages", sources)
    for source in sources:
        name = source.partition(":")[0]
        if name not in modules:
            close = get_close_matches(name, modules, n=3) or list(modules)[1:9]
            raise ValueError(f"there is no module {name!r}; there are {close}")
    calls = _calls(network, images, run, "")
    found = []
    for source in sources:
        name, _, item = source.partition(":")
        its = [call for call in calls if call.name == name]
        if len(its) != 1:
            raise ValueError(f"the module {name!r} runs {len(its)} times, not once")
        value = its[0].taken if item == "input" else its[0].given.get(item)
        if value is None:
            items = ", ".join(f"{name}:{item}" for item in its[0].given if item)
            hint = f"; there are {items}" if items else ""
            raise ValueError(f"{source!r} is no feature (N, C, H, W){hint}")
        found.append(_found(source, value))
    return found


def _calls(
    network: nn.Module, images: Tensor, run: Callable[[], Any], inside: str
) -> list[_Call]:
    """Run a network, and return what its modules did, by their starts."""
    calls: list[_Call] = []
    clock = iter(range(1 << 62))
    begun: dict[str, list[tuple[int, _Map | None]]] = {}

    def noted(value: Any) -> _Map | None:
        return _noted(value, images)

    def before(name: str, module: nn.Module, inputs: tuple) -> None:
        taken = noted(inputs[0]) if inputs else None
        begun.setdefault(name, []).append((next(clock), taken))

    def after(name: str, module: nn.Module, inputs: tuple, output: Any) -> None:
        start, taken = begun[name].pop()
        given = {item: noted(value) for item, value in _items(output)}
        given = {item: value for item, value in given.items() if value}
        calls.append(_Call(name, start, next(clock), taken, given))

    with _hooked(network.get_submodule(inside), inside, before, after), torch.no_grad():
        run()
    return sorted(calls, key=lambda call: call.start)


@contextmanager
def _hooked(
    module: nn.Module, inside: str, before: Callable, after: Callable
) -> Iterator[None]:
    handles = []
    for name, part in module.named_modules(prefix=inside):
        handles.append(part.register_forward_pre_hook(partial(before, name)))
        handles.append(part.register_forward_hook(partial(after, name)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _items(output: Any) -> list[tuple[str, Any]]:
    if isinstance(output, (tuple, list)):
        return [(str(index), item) for index, item in enumerate(output)]
    return [("", output)]


def _noted(value: Any, images: Tensor) -> _Map | None:
    if not isinstance(value, Tensor) or value.ndim != 4:
        return None
    strides = {
        round(side / max(1, cells))
        for side, cells in zip(images.shape[2:], value.shape[2:], strict=True)
    }
    stride = strides.pop() if len(strides) == 1 else None
    return _Map(value, value._version, stride)


def _found(source: str, value: _Map) -> Found:
    return Found(source, tuple(value.tensor.shape), value.stride or 0)


def _returned(calls: list[_Call], inside: str) -> list[Found]:
    """Return the stages that the module itself returns, if it does."""
    whole = [call for call in calls if call.name == inside]
    if not whole or len(whole[0].given) < 2 or "" in whole[0].given:
        return []
    given = whole[0].given
    strides = [value.stride or 0 for value in given.values()]
    falls = strides == sorted(strides) and strides[0] < strides[-1]
    alike = len({value.tensor.shape for value in given.values()}) == 1
    if not (falls and 1 <= strides[0] <= 4) and not (alike and len(given) > 2):
        return []
    return [
        _found(_module_of(value, calls) or f"{inside}:{item}", value)
        for item, value in given.items()
    ]


def _reduced(calls: list[_Call]) -> list[Found]:
    """Return the stages that modules take to make coarser ones, and the last."""
    stages = []
    for stride in _STRIDES:
        reducing = [call for call in calls if _reduces(call, stride)]
        if reducing:
            first = reducing[0]
            earlier = [call for call in calls if call.end < first.start]
            source = _module_of(first.taken, earlier) or f"{first.name}:input"
            stages.append(_found(source, first.taken))
        else:
            made = [call for call in calls if call.stride == stride]
            if made:
                last = _last_alike(_largest(made, stride), made)
                stages.append(_found(last.name, last.given[""]))
    return stages


def _reduces(call: _Call, stride: int) -> bool:
    taken = call.taken.stride if call.taken else None
    return taken == stride and call.stride == 2 * stride


def _largest(made: list[_Call], stride: int) -> _Call:
    """Return the call around the one that first made a stride, or the last that did."""
    first = next((call for call in made if _reduces(call, stride // 2)), None)
    if first is None:
        return max(made, key=lambda call: call.end)
    return next(
        call for call in made if call.start <= first.start and call.end >= first.end
    )


def _last_alike(call: _Call, made: list[_Call]) -> _Call:
    """Return the last of the modules behind it in a list, as blocks are.

    Each takes what the one before gave, and keeps its channels and grid.
    """
    given = call.given[""]
    place, _, number = call.name.rpartition(".")
    if not number.isdigit():
        return call
    row = [
        x
        for x in made
        if x.start > call.end
        and x.name.rpartition(".")[0] == place
        and x.taken
        and x.taken.tensor is given.tensor
        and x.given[""].tensor.shape == given.tensor.shape
    ]
    longest = max(row, key=lambda x: x.end, default=None)
    return call if longest is None else _last_alike(longest, made)


def _module_of(value: _Map, calls: list[_Call]) -> str | None:
    """Return the largest module that gave a map, as it is by now."""
    for call in sorted(calls, key=lambda call: -call.end):
        given = call.given.get("")
        if given and given.tensor is value.tensor and given.version == value.version:
            return call.name
    return None
