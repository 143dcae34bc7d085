"""Detectors that learn to see by details alone: DS2D2's high-frequency amplifiers."""

from mmdet.models.detectors import FasterRCNN, RetinaNet

from texture_kd.algorithms.high_frequency_training import HighFrequencyTraining

__all__ = ["HighFrequencyFasterRCNN", "HighFrequencyRetinaNet"]


class HighFrequencyRetinaNet(HighFrequencyTraining, RetinaNet):
    """Train the head of a RetinaNet anew on the details of its own features.

    Backbone and neck are the teacher's, frozen and in eval mode. The checkpoint is for
    :class:`~texture_kd.amplifiers.RetinaNetAmplifier`.

    Args:
        teacher_ckpt: path or URL of the teacher's checkpoint, which is loaded when the
            weights are initialised, and has to fit. Without it nothing is loaded.
        mode: what is made of the bands of details, see
            :func:`~texture_kd.functional.high_frequency`.
        **options: those of MMDetection's ``RetinaNet``, the teacher's.

    Raises:
        ValueError: an option is unknown.
    """

    def read_channels(self) -> list[int]:
        """Return the channels of the levels that the head reads."""
        return [self.bbox_head.in_channels] * self.bbox_head.prior_generator.num_levels


class HighFrequencyFasterRCNN(HighFrequencyTraining, FasterRCNN):
    """Train RPN and head of a Faster R-CNN anew on the details of its own features.

    Backbone and neck are the teacher's, frozen and in eval mode. The checkpoint is for
    :class:`~texture_kd.amplifiers.FasterRCNNAmplifier`, which needs no RPN; but the
    head has to be trained on regions, and they come from what sees what it sees.

    Args:
        teacher_ckpt: path or URL of the teacher's checkpoint, which is loaded when the
            weights are initialised, and has to fit. Without it nothing is loaded.
        mode: what is made of the bands of details, see
            :func:`~texture_kd.functional.high_frequency`.
        **options: those of MMDetection's ``FasterRCNN``, the teacher's.

    Raises:
        ValueError: an option is unknown.
    """

    def read_channels(self) -> list[int]:
        """Return the channels of the levels that RPN and head read."""
        return [self.rpn_head.in_channels] * self.rpn_head.prior_generator.num_levels
