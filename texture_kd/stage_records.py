"""What losses are given of two networks' stages and logits in one step."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from texture_kd.early_losses import Pair
from texture_kd.stages import Stages

__all__ = ["StageRecords"]


class StageRecords:
    """Records of a forward pass of a student, and of its teacher's before.

    Attributes:
        known: what is known of the step beside the stages, by source, such as
            ``valid`` and, once they are there, ``student.logits``.

    Args:
        terms: the losses by name.
        arguments: of each loss, sources by argument, as a
            :class:`~texture_kd.recipes.Term` has them.
        student: its stages.
        teacher: its stages.
        known: what is known from the start.
    """

    def __init__(
        self,
        terms: Mapping[str, nn.Module],
        arguments: Mapping[str, Mapping[str, str]],
        student: Stages,
        teacher: Stages,
        known: Mapping[str, Any],
    ) -> None:
        self.known = dict(known)
        self._terms, self._arguments = terms, arguments
        self._sides = dict(student=student, teacher=teacher)
        # Tensors of the student and the leaves in their place, by source.
        self._cut: dict[str, Pair] = {}

    def needs(self, source: str) -> bool:
        """Tell whether a loss is given this."""
        return any(source in names.values() for names in self._arguments.values())

    def recorded(self, loss: str, arguments: Iterable[str]) -> dict[str, Any] | None:
        """Return arguments of a loss by name, or None where one is not there yet."""
        sources = self._arguments[loss]
        wanted = {name: sources[name] for name in arguments if name in sources}
        if not all(map(self._is_there, wanted.values())):
            return None
        return {name: self._given(source) for name, source in wanted.items()}

    def is_ready(self, loss: str) -> bool:
        """Tell whether all that a loss is given is there."""
        return all(map(self._is_there, self._arguments[loss].values()))

    def cut(self, loss: str) -> list[Pair]:
        """Put leaves in the place of what a loss is given of the student."""
        own = [x for source in self._ours(loss) for x in self._single(source)]
        for source in own:
            if source not in self._cut:
                tensor = self._tensor(source)
                self._cut[source] = tensor, _leaf(tensor)
        return [self._cut[source] for source in dict.fromkeys(own)]

    def value(self, loss: str) -> Tensor:
        """Compute a loss."""
        sources = self._arguments[loss]
        return self._terms[loss](**{x: self._given(y) for x, y in sources.items()})

    def parameters(self, loss: str) -> Iterator[nn.Parameter]:
        """Return the loss's own."""
        return self._terms[loss].parameters()

    def release(self, pending: Collection[str]) -> None:
        """Give up the teacher's stages that no pending loss is given."""
        given = [x for loss in pending for x in self._arguments[loss].values()]
        needed = {x for source in given for x in self._single(source)}
        outputs = self._sides["teacher"].outputs
        for index in range(len(outputs)):
            if f"teacher.stages.{index}" not in needed:
                outputs[index] = None

    def frozen(self) -> dict[str, str]:
        """Return what losses are given of the student to no avail.

        Returns:
            The names of the modules, by those losses to whose arguments nothing leads
            that learns.
        """
        found = {}
        for loss in self._arguments:
            ours = self._ours(loss)
            tensors = [self._tensor(x) for source in ours for x in self._single(source)]
            if tensors and not any(x.requires_grad for x in tensors):
                found[loss] = ", ".join(map(self._named, ours))
        return found

    def _ours(self, loss: str) -> list[str]:
        sources = self._arguments[loss].values()
        return [source for source in sources if source.startswith("student")]

    def _single(self, source: str) -> list[str]:
        """Return a source, or the sources of each stage if it is all of them."""
        side, _, what = source.partition(".")
        if what != "stages":
            return [source]
        return [f"{source}.{i}" for i in range(len(self._sides[side].outputs))]

    def _is_there(self, source: str) -> bool:
        if source in self.known:
            return True
        side, _, what = source.partition(".")
        if what == "logits":
            return False
        outputs = self._sides[side].outputs
        index = what.partition(".")[2]
        chosen = outputs[int(index) :][:1] if index else outputs
        return bool(chosen) and not any(output is None for output in chosen)

    def _tensor(self, source: str) -> Any:
        if source in self.known:
            return self.known[source]
        side, _, index = source.split(".")
        return self._sides[side].outputs[int(index)]

    def _given(self, source: str) -> Any:
        given = [
            self._cut[x][1] if x in self._cut else self._tensor(x)
            for x in self._single(source)
        ]
        return tuple(given) if source.endswith(".stages") else given[0]

    def _named(self, source: str) -> str:
        if source == "student.logits":
            return "the logits"
        student = self._sides["student"]
        index = source.split(".")[2:]
        names = [student.name(int(index[0]))] if index else student.names
        return ", ".join(map(repr, names))


def _leaf(tensor: Tensor) -> Tensor:
    """Return a leaf of the same values, whose gradient a scaler has yet to scale."""
    half = tensor.dtype == torch.float16
    return (tensor.detach().float() if half else tensor.detach()).requires_grad_()
