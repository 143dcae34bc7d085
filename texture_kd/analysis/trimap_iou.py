"""IoU along the boundaries alone."""

from collections.abc import Sequence

import numpy as np
from mmseg.evaluation import IoUMetric

from texture_kd.functional import trimap


class TrimapIoUMetric(IoUMetric):
    """Measure the mean IoU in bands along the boundaries of the labels.

    .. code-block:: python

        val_evaluator = [
            dict(type="IoUMetric", iou_metrics=["mIoU"]),
            dict(type="TrimapIoUMetric", widths=(1, 3, 5, 10)),
        ]

    It reports, in percent, ``trimap/mIoU_3px`` and so on: the IoU of the pixels that
    :func:`~texture_kd.functional.trimap` finds. A class that is in no band is left out
    of the mean.

    Args:
        widths: of the bands, in pixels on each side of a boundary, at the labels' size.
        prefix: of MMEngine, in front of the names.
        **options: those of ``IoUMetric``, such as ``ignore_index``.

    Raises:
        ValueError: a width is below 1.
    """

    def __init__(
        self,
        widths: Sequence[int] = (1, 3, 5, 10),
        prefix: str | None = "trimap",
        **options,
    ) -> None:
        if any(width < 1 for width in widths):
            raise ValueError(f"expected widths of at least 1 pixel, got {widths}")
        super().__init__(prefix=prefix, **options)
        self.widths = widths

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch.

        Args:
            data_batch: not looked at.
            data_samples: MMSegmentation's, with ``pred_sem_seg`` and ``gt_sem_seg``.
        """
        count = len(self.dataset_meta["classes"])
        for sample in data_samples:
            prediction = sample["pred_sem_seg"]["data"][0]
            label = sample["gt_sem_seg"]["data"][0].to(prediction)
            self.results.append(
                [
                    self.intersect_and_union(
                        prediction,
                        label.where(trimap(label, width), self.ignore_index),
                        count,
                        self.ignore_index,
                    )
                    for width in self.widths
                ]
            )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Take the mean over the classes.

        Args:
            results: of each image, the counts for each width.

        Returns:
            mIoU in percent by the name of its width.
        """
        metrics = {}
        for width, counts in zip(self.widths, zip(*results, strict=True), strict=True):
            intersection, union = (
                sum(areas) for areas in list(zip(*counts, strict=True))[:2]
            )
            iou = (intersection / union).numpy()
            metrics[f"mIoU_{width}px"] = round(100 * float(np.nanmean(iou)), 2)
        return metrics
