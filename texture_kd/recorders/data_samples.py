"""Records the data samples that a student is about to learn from."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from texture_kd.recorders.switched import SwitchedRecorder

__all__ = ["DataSamplesRecorder"]


class DataSamplesRecorder(SwitchedRecorder):
    """Record the data samples of the images that the student gets.

    In a config it is ``dict(type='DataSamples')`` among the student's recorders, for
    losses that need what the pipeline says of the images. It has them before the
    student runs, so that losses of its early features can be computed early; MMRazor's
    recorder of the inputs of the whole student has them when it is done. Where the
    student gets no samples nothing is recorded.

    Args:
        source: what the log calls them; MMRazor wants each recorder to have one.
    """

    def __init__(self, source: str = "data_samples") -> None:
        super().__init__(source)

    def prepare_from_model(self, model: nn.Module | None = None) -> None:
        """Listen to what the student is given.

        Args:
            model: the student.
        """
        model.register_forward_pre_hook(self._record, with_kwargs=True)

    def found(
        self, images: Tensor, samples: Sequence[BaseDataElement] | None
    ) -> list[Any]:
        """Return the record of a batch in a list, or an empty one for nothing.

        Args:
            images: (N, C, H, W), what the student gets first.
            samples: their N data samples; None or empty if it gets none.
        """
        return [samples] if samples is not None and len(samples) else []

    def _record(self, model: nn.Module, args: tuple, kwargs: Mapping) -> None:
        if self._recording:
            given = dict(zip(("inputs", "data_samples"), args, strict=False)) | kwargs
            found = self.found(given.get("inputs"), given.get("data_samples"))
            self.data_buffer.extend(found)
