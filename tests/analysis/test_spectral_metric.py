"""The metric's figures are those of the data set's sums."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData
from mmseg.evaluation import IoUMetric
from mmseg.structures import SegDataSample

import texture_kd.components  # noqa: F401
from texture_kd.analysis import SpectralAnalysisMetric
from texture_kd.analysis.spectral_metric import central_crop

SIZE = (12, 9)
NAMES = ("a", "b", "c", "d")


def sample(size=SIZE, dtype=torch.float64):
    label = torch.randint(3, (1, *size))
    label[torch.rand(label.shape) < 0.2] = 255
    logits = F.interpolate(torch.randn(1, 4, 4, 3), size, mode="bilinear")[0].to(dtype)
    prediction = logits.argmax(0, keepdim=True)
    data = SegDataSample(
        gt_sem_seg=PixelData(data=label),
        seg_logits=PixelData(data=logits),
        pred_sem_seg=PixelData(data=prediction),
    )
    return data.to_dict()


def measure(samples, **options):
    metric = SpectralAnalysisMetric(**options)
    for one in samples:
        metric.process({}, [one])
    return metric.evaluate(len(samples)), metric


def fields(samples):
    logits = torch.stack([s["seg_logits"]["data"] for s in samples])
    label = torch.cat([s["gt_sem_seg"]["data"] for s in samples])
    return logits, label


def test_the_cross_entropy_is_mmsegs():
    samples = [sample() for _ in range(3)]
    figures, metric = measure(samples)
    logits, label = fields(samples)
    whole = float(F.cross_entropy(logits, label, ignore_index=255))
    assert figures["spectral/CE"] == pytest.approx(whole, rel=1e-12)
    analysis = metric.analysis
    assert analysis.images == 3
    assert analysis.size == SIZE
    assert analysis.cross_entropy.shape == (7,)
    torch.testing.assert_close(analysis.components().cumsum(0), analysis.cross_entropy)


def test_the_mean_iou_is_mmsegs():
    samples = [sample() for _ in range(3)]
    evaluator = Evaluator([IoUMetric(iou_metrics=["mIoU"]), SpectralAnalysisMetric()])
    evaluator.dataset_meta = dict(classes=NAMES)
    for one in samples:
        evaluator.process([to_sample(one)])
    figures = evaluator.evaluate(3)
    assert figures["spectral/mIoU"] == pytest.approx(figures["mIoU"], abs=0.01)


def binary(threshold):
    """A sample of a head of one channel: a sigmoid, and decisions as numbers."""
    one = sample()
    probability = one["seg_logits"]["data"][:1].sigmoid()
    label = one["gt_sem_seg"]["data"]
    label[label == 2] = 0
    one["seg_logits"]["data"] = probability
    one["pred_sem_seg"]["data"] = (probability > threshold).to(probability)
    return one


@pytest.mark.parametrize("size", [None, (9, 12)])
def test_a_head_of_one_channel(size):
    samples = [binary(0.3) for _ in range(3)]
    evaluator = Evaluator(
        [IoUMetric(iou_metrics=["mIoU"]), SpectralAnalysisMetric(crop_size=size)]
    )
    evaluator.dataset_meta = dict(classes=("a", "b"))
    for one in samples:
        evaluator.process([to_sample(one)])
    figures = evaluator.evaluate(3)
    if size is not None:
        assert 0 < figures["spectral/mIoU"] < 100
        return
    probability, label = fields(samples)
    valid = label != 255
    whole = F.binary_cross_entropy(probability[:, 0][valid], label[valid].double())
    assert figures["spectral/CE"] == pytest.approx(float(whole), rel=1e-9)
    assert figures["spectral/mIoU"] == pytest.approx(figures["mIoU"], abs=0.01)


def test_decisions_of_one_channel_are_those_of_a_threshold():
    torch.manual_seed(0)
    one = binary(0.3)
    one["pred_sem_seg"]["data"] = 1 - one["pred_sem_seg"]["data"]
    with pytest.raises(ValueError, match="test without --tta"):
        measure([one])


def to_sample(one):
    return SegDataSample(**{key: PixelData(**value) for key, value in one.items()})


def test_r_is_of_sums_and_limits_beyond_the_image_are_left_out():
    samples = [sample() for _ in range(3)]
    figures, _ = measure(samples, limits=(2, 6, 7))
    assert [name for name in figures if "R(" in name] == [
        "spectral/R(2)",
        "spectral/R(6)",
    ]
    assert figures["spectral/R(6)"] == 0
    truncated = sum(
        measure([one])[1].analysis.cross_entropy[2]
        * (one["gt_sem_seg"]["data"] != 255).sum()
        for one in samples
    )
    logits, label = fields(samples)
    whole = F.cross_entropy(logits, label, ignore_index=255, reduction="sum")
    expected = float(((truncated - whole) / whole).abs())
    assert figures["spectral/R(2)"] == pytest.approx(expected, abs=1e-6)


def test_profiles_have_their_largest_value_at_1():
    _, metric = measure([sample() for _ in range(2)])
    for profile in (metric.analysis.label, metric.analysis.prediction):
        assert profile.shape == (7,)
        assert profile.max() == 1
        assert profile.min() > 0


def test_a_class_that_is_nowhere_has_no_iou():
    one = sample()
    logits = one["seg_logits"]["data"]
    logits[3] = -100
    one["pred_sem_seg"]["data"] = logits.argmax(0, keepdim=True)
    _, metric = measure([one])
    assert metric.analysis.iou[3].isnan().all()
    assert not metric.analysis.iou[:3].isnan().any()


def test_the_efficient_limit_is_the_last_above_the_tolerance():
    _, metric = measure([sample()])
    curve = torch.tensor([3.0, 2.0, 1.1, 1.5, 0.99, 1.0])
    analysis = metric.analysis._replace(cross_entropy=curve)
    assert analysis.efficient_limit(0.2) == 4
    assert analysis.efficient_limit(5) == 0
    assert analysis.efficient_limit(0.001) == 5
    with pytest.raises(ValueError, match="tolerance above 0"):
        analysis.efficient_limit(0)
    with pytest.raises(ValueError, match="there is no R"):
        analysis._replace(cross_entropy=0 * curve).efficient_limit(0.1)


def test_images_of_several_sizes_need_a_crop():
    samples = [sample(), sample((9, 14))]
    with pytest.raises(ValueError, match=r"\(9, 14\), \(12, 9\).* crop_size"):
        measure(samples)
    figures, metric = measure(samples, crop_size=(10, 10))
    assert metric.analysis.size == (10, 10)
    assert figures["spectral/CE"] > 0


def test_padding_is_ignored():
    one = sample()
    logits, label = fields([one])
    figures, _ = measure([one], crop_size=(15, 16))
    whole = float(F.cross_entropy(logits, label, ignore_index=255))
    assert figures["spectral/CE"] == pytest.approx(whole)


def test_the_middle_is_cut_out():
    x = torch.arange(20).reshape(4, 5)
    assert torch.equal(central_crop(x, (2, 3), 0), x[1:3, 1:4])
    assert torch.equal(central_crop(x, (4, 7), 9)[:, 1:6], x)
    assert (central_crop(x, (4, 7), 9)[:, [0, 6]] == 9).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_logits_in_lower_precision(dtype):
    one = sample(dtype=dtype)
    logits, label = fields([one])
    whole = float(F.cross_entropy(logits.double(), label, ignore_index=255))
    assert measure([one])[0]["spectral/CE"] == pytest.approx(whole, rel=1e-5)


def test_what_does_not_fit_is_named():
    one = sample()
    del one["gt_sem_seg"]
    with pytest.raises(ValueError, match="put LoadAnnotations into the pipeline"):
        measure([one])
    one = sample()
    one["gt_sem_seg"]["data"][:] = 255
    with pytest.raises(ValueError, match="no pixel of the data set is labelled"):
        measure([one])
    with pytest.raises(ValueError, match="limits of at least 0"):
        SpectralAnalysisMetric(limits=(-1,))
    for size in (513, (513,), (0, 5), "ab"):
        with pytest.raises(ValueError, match="expected crop_size="):
            SpectralAnalysisMetric(crop_size=size)
    one = sample()
    one["seg_logits"]["data"] = one["seg_logits"]["data"].flip(2)
    with pytest.raises(ValueError, match="test without --tta"):
        measure([one])
