"""A frozen dense head that judges a student's features: amplifiers of DS2D2."""

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from texture_kd.amplifiers.head import HeadAmplifier
from texture_kd.functional.generalized_iou import generalized_iou
from texture_kd.functional.quality_focal import quality_focal_distance
from texture_kd.functional.valid_area import valid_area
from texture_kd.functional.wavelet import HighFrequency

_PREDICTED = ("scores", "deltas of boxes")
_NEEDED = ("get_anchors", "get_targets", "bbox_coder", "cls_out_channels")


class RetinaNetAmplifier(HeadAmplifier):
    r"""Compare what a frozen anchor head detects in both networks' features.

    .. math::

        \frac{1}{P} \sum_a \Big( w_a \sum_c QFL(s_{ac}, t_{ac})
            + \max_c \sigma(t_{ac}) \, (1 - GIoU(b^S_a, b^T_a)) \Big)

    over the anchors of all levels and images, with
    :func:`~texture_kd.functional.quality_focal_distance` of the scores and
    :func:`~texture_kd.functional.generalized_iou` of the decoded boxes. The weights w
    and the number P of positives are those of the head's own assignment of anchors to
    the objects of ``gt_instances``, which is the student's: both share the anchors.

    With ``mode=None`` it is the full-frequency amplifier of
    :class:`~texture_kd.losses.DS2D2Loss`: the teacher's own head. Otherwise it is the
    high-frequency one: a copy of that head with the weights of ``checkpoint``, the
    outcome of a training of ``HighFrequencyRetinaNet``.

    Args:
        mode: None for the features, or the mode of the high-frequency maps.
        checkpoint: path or URL of the checkpoint of the amplifier's own training; None
            takes the teacher's head as it is.
        beta: exponent of the quality focal loss, at least 1.

    Raises:
        ValueError: an option is unknown or out of its range, or there is a checkpoint
            and no mode.
    """

    def __init__(
        self,
        mode: HighFrequency | None = None,
        checkpoint: str | None = None,
        beta: float = 1.0,
    ) -> None:
        super().__init__(mode, checkpoint)
        if not beta >= 1:
            raise ValueError(f"expected a beta of at least 1, got {beta}")
        self.beta = beta

    def attach_teacher(self, teacher: nn.Module) -> None:
        """Take the teacher's head, or copy it and load the amplifier's weights.

        Args:
            teacher: a detector of one stage of MMDetection with an anchor head, with
                its weights.

        Raises:
            FileNotFoundError: there is no such checkpoint.
            RuntimeError: the checkpoint is truncated or corrupt.
            ValueError: the teacher has no such head, or none that can assign anchors;
                or the checkpoint does not fit.
        """
        head = getattr(teacher, "bbox_head", None)
        if not all(hasattr(head, name) for name in _NEEDED):
            raise ValueError(
                "RetinaNetAmplifier needs a teacher with an anchor head under "
                f"bbox_head, such as RetinaNet, and {type(teacher).__name__} has "
                f"{'none' if head is None else type(head).__name__}"
            )
        if not (head.use_sigmoid_cls and head.train_cfg):
            raise ValueError(
                "RetinaNetAmplifier needs a teacher's head with sigmoid scores and "
                "with a train_cfg, whose assigner tells which anchors count: leave "
                "both in the teacher's config"
            )
        levels = range(head.prior_generator.num_levels)
        self.take_head(teacher, "bbox_head", levels, [head.in_channels] * len(levels))

    def forward(
        self,
        student: tuple[Tensor, ...],
        teacher: tuple[Tensor, ...],
        samples: Sequence[BaseDataElement],
        rois: None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Compare what the head makes of both.

        Args:
            student: levels (N, C, H, W) of the student.
            teacher: those of the teacher.
            samples: N data samples with ``gt_instances``, as MMDetection's data
                preprocessor leaves them.
            rois: for detectors of two stages.
            valid: booleans (N, H, W) or (N, 1, H, W), true for pixels of the image; or
                None where nothing is padded. Anchors of other positions do not count.

        Returns:
            A scalar, in float32 at least.

        Raises:
            ValueError: the head reads other levels or predicts more than scores and
                boxes, or the samples have no objects.
        """
        _check(samples)
        with torch.no_grad():
            target_scores, target_deltas, _ = self._predicted(teacher)
        scores, deltas, grids = self._predicted(student)
        anchors, weights, positives = self._assigned(grids, samples, scores.device)
        distances = quality_focal_distance(scores, target_scores, self.beta).sum(-1)
        boxes, target_boxes = (
            self.head.bbox_coder.decode(anchors, x.flatten(0, 1))
            for x in (deltas, target_deltas)
        )
        apart = 1 - generalized_iou(boxes, target_boxes)
        certain = target_scores.amax(-1).sigmoid()
        if valid is not None:
            inside = _inside(valid, grids, tuple(certain.shape))
            weights, certain = weights * inside, certain * inside
        apart = certain.flatten() * apart
        return ((weights * distances).sum() + apart.sum()) / positives

    def _predicted(
        self, features: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, list[tuple[int, int]]]:
        """Return scores (N, A, K), deltas (N, A, 4), and the grids of the levels."""
        predicted = self.head(self.seen(features))
        if len(predicted) != len(_PREDICTED):
            raise ValueError(
                f"{type(self.head).__name__} predicts {len(predicted)} kinds of maps "
                f"where RetinaNetAmplifier compares {' and '.join(_PREDICTED)}, as "
                "RetinaHead has them: take a teacher with such a head"
            )
        scores, deltas = predicted
        grids = [tuple(x.shape[-2:]) for x in scores]
        sizes = (self.head.cls_out_channels, self.head.bbox_coder.encode_size)
        pairs = zip((scores, deltas), sizes, strict=True)
        return *(_of_anchors(maps, size) for maps, size in pairs), grids

    @torch.no_grad()
    def _assigned(
        self,
        grids: Sequence[tuple[int, int]],
        samples: Sequence[BaseDataElement],
        device: torch.device,
    ) -> tuple[Tensor, Tensor, int]:
        """Return anchors (N A, 4), weights (N, A), and the number of positives."""
        metas = [sample.metainfo for sample in samples]
        anchors, flags = self.head.get_anchors(grids, metas, device=device)
        first = torch.cat([getattr(x, "tensor", x) for x in anchors[0]])
        _, weights, _, _, positives = self.head.get_targets(
            anchors,
            flags,
            [sample.gt_instances for sample in samples],
            metas,
            [getattr(sample, "ignored_instances", None) for sample in samples],
        )
        return first.repeat(len(samples), 1), torch.cat(weights, 1), positives


def _of_anchors(maps: Sequence[Tensor], size: int) -> Tensor:
    """Turn maps (N, A size, H, W) into numbers (N, A H W, size) of all levels."""
    found = [x.permute(0, 2, 3, 1).reshape(len(x), -1, size) for x in maps]
    x = torch.cat(found, 1)
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _inside(
    valid: Tensor, grids: Sequence[tuple[int, int]], shape: tuple[int, int]
) -> Tensor:
    """Return which of the anchors (N, A) of all levels are at valid positions."""
    images, anchors = shape
    areas = [valid_area(valid, images, grid).flatten(1) for grid in grids]
    area = torch.cat(areas, 1)
    return area.repeat_interleave(anchors // area.shape[1], 1)


def _check(samples: Sequence[BaseDataElement]) -> None:
    for sample in samples:
        if "gt_instances" not in sample or "pad_shape" not in sample.metainfo:
            raise ValueError(
                "the data samples have no gt_instances or no pad_shape: train on "
                "boxes, with MMDetection's DetDataPreprocessor"
            )
