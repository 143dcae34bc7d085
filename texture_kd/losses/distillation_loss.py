"""What a loss may tell, and may be told, beside its value."""

from typing import Any

from torch import Tensor, nn

__all__ = ["DistillationLoss"]


class DistillationLoss(nn.Module):
    """A loss between a student and its teacher.

    Any ``nn.Module`` whose ``forward`` returns a scalar can be one: its arguments go by
    their names, and a mapping, or a :class:`~texture_kd.recipes.Term`, says what each
    is given. A subclass of this can do more, of what stands below. All of it works
    alike in :class:`~texture_kd.distiller.Distiller`, in recipes and in configs.

    By convention an argument ``valid`` is true for the pixels of an image and false for
    padding, booleans (N, 1, H, W) or None; ``gt`` is labels (N, 1, H, W). An option
    ``ignore_index`` of the constructor is the label that does not count, and
    ``image_channels`` the number of channels of the images;
    :class:`~texture_kd.algorithms.TextureDistill` gives them the student's where a
    config does not write them.

    Attributes:
        parts: what the last value was made of, before the loss's weight: detached
            scalars by name, for the log. The names must not have ``loss`` in them,
            since MMEngine would train them.
        of_softmax: whether the channels of logits are taken for the classes of a
            softmax, and a single channel for the two that a sigmoid tells apart.
    """

    of_softmax: bool = False

    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[str, Tensor] = {}

    def attach_teacher(self, teacher: nn.Module) -> None:
        """Look at the teacher once, when the distillation is built.

        It has the weights that it was given by then; ``load_from`` and ``resume`` of a
        config come later.

        It must not become a submodule, which would be trained and saved: keep what is
        needed in a tuple.

        Args:
            teacher: the network.
        """

    def prepare(self, *args: Any, **kwargs: Any) -> None:
        """Do what can be done before the student runs.

        A subclass names those arguments of its ``forward`` that it wants here. It is
        called with them if all are there by then: what is of the teacher, the valid
        area, labels and data samples. It keeps what it makes, and sees to it in
        ``forward`` that this is of the same tensors.
        """
