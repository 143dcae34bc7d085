"""What a method of distillation is made of."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import nn

__all__ = ["Shapes", "Term"]


class Term(NamedTuple):
    """A loss, and what its ``forward`` is given.

    Any module that returns a scalar will do, and a
    :class:`~texture_kd.losses.DistillationLoss` can do more. What is of the teacher
    comes without gradient. Gradients flow to what it is given of the student and to
    its own parameters, and to nothing else that it may hold.

    Attributes:
        loss: the module, or its class, which a config can name, too.
        arguments: by the names of the arguments of its ``forward`` one of

            - ``student.stages`` or ``teacher.stages``: all stages, a tuple of features
              (N, C, H, W);
            - ``student.stages.I`` or ``teacher.stages.I``: stage I, from 0;
            - ``student.logits`` or ``teacher.logits``: (N, K, H, W);
            - ``images``, as the networks are given them, and ``valid`` and ``labels``,
              as the distiller is given them, or None.

        options: what the class is built with; none of a module, which is built.
    """

    loss: type[nn.Module] | nn.Module
    arguments: Mapping[str, str]
    options: Mapping[str, Any] = {}

    def build(self) -> nn.Module:
        """Return the loss as a module.

        Raises:
            ValueError: as the loss does, of options that it refuses.
        """
        return self.loss(**self.options) if isinstance(self.loss, type) else self.loss


class Shapes(NamedTuple):
    """The sizes of what a network gives, and is given.

    Attributes:
        stages: (N, C, H, W) of each stage.
        logits: (N, K, H, W), or None where the output is none.
        images: (N, C, H, W) of the images.
    """

    stages: tuple[tuple[int, ...], ...]
    logits: tuple[int, ...] | None
    images: tuple[int, ...] = (1, 3, 1, 1)

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels C of each stage."""
        return tuple(shape[1] for shape in self.stages)
