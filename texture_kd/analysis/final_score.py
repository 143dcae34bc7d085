"""IoU and pixel accuracy as one number."""

from mmseg.evaluation import IoUMetric


class FinalScoreMetric(IoUMetric):
    """Add to MMSegmentation's metrics the mean of mIoU and pixel accuracy.

    ``score``, in percent, is what DUC and DLC's paper and others on ADE20K and
    Pascal-Context call the final score. ``aAcc`` is the pixel accuracy, ``mAcc`` that
    of the mean class. Its arguments are those of ``IoUMetric``.
    """

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Compute all of them.

        Args:
            results: of each image, the counts.

        Returns:
            The metrics by their names.
        """
        metrics = super().compute_metrics(results)
        if "mIoU" in metrics:
            metrics["score"] = round((metrics["mIoU"] + metrics["aAcc"]) / 2, 2)
        return metrics
