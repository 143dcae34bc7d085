"""A segmentor that learns to see by details alone: DS2D2's high-frequency amplifier."""

from collections.abc import Sequence

from mmseg.models.segmentors import EncoderDecoder

from texture_kd.algorithms.high_frequency_training import HighFrequencyTraining
from texture_kd.decode_heads.inputs import read_channels, read_levels, single_head


class HighFrequencyEncoderDecoder(HighFrequencyTraining, EncoderDecoder):
    """Train a teacher's decode head anew on the details of its own features.

    Backbone and neck are the teacher's, frozen and in eval mode, so that the statistics
    of their norms stay. The head begins as the teacher's and learns by its own loss to
    predict from :func:`~texture_kd.functional.high_frequency` maps of the features. The
    checkpoint is for the ``high`` amplifier of :class:`~texture_kd.losses.DS2D2Loss`.

    Args:
        teacher_ckpt: path or URL of the teacher's checkpoint, which is loaded when the
            weights are initialised, and has to fit. Without it nothing is loaded.
        mode: what is made of the bands of details.
        **options: those of ``EncoderDecoder``, the teacher's, without auxiliary head.

    Raises:
        ValueError: there is an auxiliary head, a decode head that reads more than
            features, or an option that is unknown.
    """

    def __init__(self, **options) -> None:
        super().__init__(**options)
        single_head(self)
        if self.with_auxiliary_head:
            raise ValueError(
                "HighFrequencyEncoderDecoder trains the decode head alone: set "
                "auxiliary_head=None"
            )

    def read_channels(self) -> Sequence[int]:
        """Return the channels of the levels that the head reads."""
        return read_channels(self.decode_head)

    def read_levels(self, count: int) -> list[int]:
        """Return which of so many levels the head reads."""
        return [level % count for level in read_levels(self.decode_head)]
