"""Cross-entropy by frequency as a metric of MMEngine: ``mim test`` prints it."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.evaluator import BaseMetric
from torch import Tensor

from texture_kd.analysis.spectral_analysis import (
    SpectralAnalysis,
    analyse,
    image_spectra,
)
from texture_kd.functional import two_class_logits


class SpectralAnalysisMetric(BaseMetric):
    """Measure which frequencies a network's cross-entropy lies in.

    .. code-block:: python

        test_evaluator = [
            dict(type="IoUMetric", iou_metrics=["mIoU"]),
            dict(type="texture_kd.SpectralAnalysisMetric"),
        ]

    It reports ``CE``, the cross-entropy of valid pixels in nats, ``R(8)`` and so on,
    the share of it that a band limit of 8 periods an image misses, and ``mIoU`` in
    percent. The curves are in ``analysis`` afterwards, and in the report of
    ``tools/analysis/spectral_report.py``.

    Predictions are compared at the labels' size, where MMSegmentation brings them. The
    cross-entropy of a head of one channel is the binary one of its sigmoid, and its
    decisions are those that its threshold makes.

    Args:
        limits: band limits to report, in periods an image; those beyond the images'
            own are left out.
        crop_size: (height, width) of the middle that is cut out of each image, or to
            which it is padded by ignored pixels. Needed if the sizes of the images
            differ, whose frequencies don't compare.
        ignore_index: label of the pixels that do not count.
        collect_device: of MMEngine.
        prefix: of MMEngine, in front of the names.

    Raises:
        ValueError: a limit is negative or the size no pair; when images are processed,
            they have no labels, or the network's logits are not those of its decisions,
            as with test time augmentation; at the end, the images' sizes differ.
    """

    analysis: SpectralAnalysis | None = None

    def __init__(
        self,
        limits: Sequence[int] = (8, 16, 32, 64),
        crop_size: tuple[int, int] | None = None,
        ignore_index: int = 255,
        collect_device: str = "cpu",
        prefix: str | None = "spectral",
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if any(limit < 0 for limit in limits):
            raise ValueError(f"expected limits of at least 0, got {tuple(limits)}")
        if crop_size is not None and not (
            isinstance(crop_size, Sequence)
            and len(crop_size) == 2
            and all(type(n) is int and n > 0 for n in crop_size)
        ):
            raise ValueError(
                f"expected crop_size=(height, width) in pixels, got {crop_size!r}"
            )
        self.limits = limits
        self.crop_size = crop_size
        self.ignore_index = ignore_index

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Decompose a batch.

        Args:
            data_batch: not looked at.
            data_samples: MMSegmentation's, with ``seg_logits`` and ``gt_sem_seg``.
        """
        for sample in data_samples:
            if "gt_sem_seg" not in sample:
                raise ValueError(
                    "SpectralAnalysisMetric compares with labels, and the samples have "
                    "none: put LoadAnnotations into the pipeline of the data set"
                )
            scores = sample["seg_logits"]["data"]
            label = sample["gt_sem_seg"]["data"][0].to(scores.device)
            # A single channel has been decided on in floating point.
            decision = sample["pred_sem_seg"]["data"][0].long()
            if not _decided(scores, decision):
                raise ValueError(
                    "the logits are not those of the decisions: MMSegmentation's test "
                    "time augmentation keeps those of one view; test without --tta"
                )
            logits = _class_logits(scores)
            if self.crop_size is not None:
                logits = central_crop(logits, self.crop_size, 0)
                decision = central_crop(decision, self.crop_size, 0)
                label = central_crop(label, self.crop_size, self.ignore_index)
            self.results.append(
                image_spectra(logits, decision, label, self.ignore_index)
            )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Sum up, keep ``analysis`` and return its figures.

        Args:
            results: of all images.

        Returns:
            Figures by name.
        """
        self.analysis = analyse(results)
        discrepancy = self.analysis.discrepancy()
        figures = dict(CE=float(self.analysis.cross_entropy[-1]))
        for limit in self.limits:
            if limit < len(discrepancy):
                figures[f"R({limit})"] = round(float(discrepancy[limit]), 6)
        figures["mIoU"] = 100 * float(self.analysis.mean_iou()[-1])
        return figures


def _decided(scores: Tensor, decision: Tensor) -> bool:
    """Tell whether decisions (H, W) are those of a network's scores (K, H, W)."""
    if len(scores) > 1:
        return torch.equal(scores.argmax(0), decision)
    # By some threshold.
    below, above = scores[0][decision == 0], scores[0][decision == 1]
    return not below.numel() or not above.numel() or bool(below.max() <= above.min())


def _class_logits(scores: Tensor) -> Tensor:
    """Return logits (K, H, W); MMSegmentation gives a single channel as a sigmoid."""
    if len(scores) > 1:
        return scores
    z = torch.logit(scores, torch.finfo(scores.dtype).eps)
    return two_class_logits(z[None])[0]


def central_crop(x: Tensor, size: tuple[int, int], value: float) -> Tensor:
    """Cut the middle out of maps, and pad what they are short of.

    Args:
        x: (..., H, W).
        size: height and width of the result.
        value: of the padding.

    Returns:
        (..., h, w).
    """
    padding = []
    for n, m in zip(reversed(x.shape[-2:]), reversed(size), strict=True):
        before = (m - n) // 2
        padding += [before, m - n - before]
    return F.pad(x, padding, value=value)
