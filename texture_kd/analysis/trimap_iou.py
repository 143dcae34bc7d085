"""IoU along the boundaries alone."""

from collections.abc import Sequence

import numpy as np

from texture_kd.analysis.final_score import FinalScoreMetric
from texture_kd.functional import trimap


class TrimapIoUMetric(FinalScoreMetric):
    """Add to MMSegmentation's metrics the mean IoU in bands along the boundaries.

    .. code-block:: python

        val_evaluator = dict(type="TrimapIoUMetric", iou_metrics=["mIoU"])

    It reports, in percent, ``mIoU_3px`` and so on, the IoU of the pixels that
    :func:`~texture_kd.functional.trimap` finds, beside what :class:`FinalScoreMetric`
    reports of all pixels. A class that is in no band is left out of the mean.

    Args:
        widths: of the bands, in pixels on each side of a boundary, at the labels' size.
        **options: those of ``IoUMetric``, such as ``ignore_index``.

    Raises:
        ValueError: a width is below 1, or the labels are not to be looked at.
    """

    def __init__(self, widths: Sequence[int] = (1, 3, 5, 10), **options) -> None:
        super().__init__(**options)
        if any(width < 1 for width in widths):
            raise ValueError(f"expected widths of at least 1 pixel, got {widths}")
        if self.format_only:
            raise ValueError("TrimapIoUMetric compares with labels: no format_only")
        self.widths = widths

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch.

        Args:
            data_batch: not looked at.
            data_samples: MMSegmentation's, with ``pred_sem_seg`` and ``gt_sem_seg``.
        """
        first = len(self.results)
        super().process(data_batch, data_samples)
        for index, sample in enumerate(data_samples, first):
            self.results[index] = (self.results[index], self._bands(sample))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Compute all of them.

        Args:
            results: of each image, the counts of all pixels, and those of each band.

        Returns:
            The metrics by their names.
        """
        whole, bands = zip(*results, strict=True)
        metrics = super().compute_metrics(list(whole))
        for width, counts in zip(self.widths, zip(*bands, strict=True), strict=True):
            intersections, unions, *_ = zip(*counts, strict=True)
            iou = (sum(intersections) / sum(unions)).numpy()
            metrics[f"mIoU_{width}px"] = round(100 * float(np.nanmean(iou)), 2)
        return metrics

    def _bands(self, sample: dict) -> list[tuple]:
        # A head of one channel decides in floating point.
        prediction = sample["pred_sem_seg"]["data"][0].long()
        label = sample["gt_sem_seg"]["data"][0].to(prediction)
        count = len(self.dataset_meta["classes"])
        return [
            self.intersect_and_union(
                prediction,
                label.where(trimap(label, width), self.ignore_index),
                count,
                self.ignore_index,
            )
            for width in self.widths
        ]
