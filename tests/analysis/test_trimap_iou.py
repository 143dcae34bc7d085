"""Scores beside the IoU: along boundaries, and with the pixel accuracy."""

import numpy as np
import pytest
import torch

from texture_kd.analysis import FinalScoreMetric, TrimapIoUMetric
from texture_kd.functional import trimap

CLASSES = ("a", "b", "c")


def samples(count=3):
    """Predictions and labels, as MMSegmentation hands them to a metric."""
    torch.manual_seed(0)
    for _ in range(count):
        label = torch.randint(3, (1, 4, 5)).repeat_interleave(6, 1)
        label = label.repeat_interleave(7, 2)
        wrong = torch.rand(label.shape) < 0.3
        guess = torch.where(wrong, torch.randint(3, label.shape), label)
        label[:, :3] = 255
        yield dict(pred_sem_seg=dict(data=guess), gt_sem_seg=dict(data=label))


def evaluated(metric, found):
    metric.dataset_meta = dict(classes=CLASSES)
    # As a validation with one image a batch does.
    for sample in found:
        metric.process({}, [sample])
    return metric.evaluate(len(found))


def iou(found, inside):
    """Mean IoU of the valid pixels inside a mask, in percent, over all images."""
    counts = np.zeros((2, 3))
    for sample in found:
        guess, label = (
            sample[key]["data"][0] for key in ("pred_sem_seg", "gt_sem_seg")
        )
        valid = inside(label) & (label != 255)
        for index in range(3):
            both = (guess == index) & (label == index) & valid
            either = ((guess == index) | (label == index)) & valid
            counts[:, index] += both.sum(), either.sum()
    return 100 * np.mean(counts[0] / counts[1])


def test_it_is_the_iou_of_the_band():
    found = list(samples())
    metrics = evaluated(TrimapIoUMetric(widths=(1, 3)), found)
    whole = evaluated(FinalScoreMetric(), found)
    assert {name: metrics[name] for name in whole} == whole
    assert {name: metrics[name] for name in metrics.keys() - whole.keys()} == {
        f"mIoU_{width}px": pytest.approx(
            iou(found, lambda label, width=width: trimap(label, width)), abs=0.006
        )
        for width in (1, 3)
    }


def test_a_batch_of_several_and_another_ignored_label():
    found = list(samples())
    expected = evaluated(TrimapIoUMetric(widths=(1, 3)), found)
    for sample in found:
        label = sample["gt_sem_seg"]["data"]
        label[label == 255] = 77
    metric = TrimapIoUMetric(widths=(1, 3), ignore_index=77)
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process({}, found[:2])
    metric.process({}, found[2:])
    assert metric.evaluate(len(found)) == expected


def test_decisions_of_a_head_of_one_channel_are_floating_point():
    found = list(samples())
    expected = evaluated(TrimapIoUMetric(widths=(1, 3)), found)
    for sample in found:
        sample["pred_sem_seg"]["data"] = sample["pred_sem_seg"]["data"].float()
    assert evaluated(TrimapIoUMetric(widths=(1, 3)), found) == expected


def test_mistakes_far_from_boundaries_do_not_show():
    label = torch.zeros(1, 40, 40, dtype=torch.long)
    label[:, :, 20:] = 1
    guess = label.clone()
    guess[:, :, :5] = 1
    found = [dict(pred_sem_seg=dict(data=guess), gt_sem_seg=dict(data=label))]
    metrics = evaluated(TrimapIoUMetric(), found)
    assert metrics["aAcc"] < 100
    assert {metrics[f"mIoU_{width}px"] for width in (1, 3, 5, 10)} == {100.0}


def test_a_class_that_no_band_has_is_left_out():
    label = torch.zeros(1, 9, 9, dtype=torch.long)
    label[:, 4:] = 1
    found = [dict(pred_sem_seg=dict(data=label), gt_sem_seg=dict(data=label))]
    assert evaluated(TrimapIoUMetric(widths=[2]), found)["mIoU_2px"] == 100.0


def test_what_it_cannot_measure():
    with pytest.raises(ValueError, match="at least 1 pixel"):
        TrimapIoUMetric(widths=(0, 1))
    with pytest.raises(ValueError, match="compares with labels"):
        TrimapIoUMetric(format_only=True, output_dir=".")


def test_the_final_score_is_the_mean_of_iou_and_pixel_accuracy():
    found = list(samples())
    metrics = evaluated(FinalScoreMetric(iou_metrics=["mIoU"]), found)
    right = [
        (s["pred_sem_seg"]["data"] == s["gt_sem_seg"]["data"])[:, 3:] for s in found
    ]
    accuracy = 100 * torch.stack(right).double().mean().item()
    assert metrics["aAcc"] == pytest.approx(accuracy, abs=0.006)
    everywhere = iou(found, lambda label: torch.ones_like(label, dtype=torch.bool))
    assert metrics["mIoU"] == pytest.approx(everywhere, abs=0.006)
    assert metrics["score"] == pytest.approx((everywhere + accuracy) / 2, abs=0.011)
    assert "score" not in evaluated(FinalScoreMetric(iou_metrics=["mDice"]), found)
