"""The IoU by frequency is the IoU."""

import pytest
import torch

from texture_kd.functional import low_pass, spectral_iou

SIZES = [(6, 5), (5, 8), (1, 1)]


def example(size, hard=False):
    prediction = (3 * torch.randn(2, 4, *size, dtype=torch.float64)).softmax(1)
    if hard:
        prediction = (prediction == prediction.amax(1, keepdim=True)).double()
    label = torch.randint(3, (2, *size))
    label[torch.rand(label.shape) < 0.3] = 255
    return prediction, label


def masks(prediction, label):
    b = torch.stack([label == c for c in range(4)], 1).double()
    return prediction * (label != 255)[:, None], b


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_the_last_is_the_iou(size, hard):
    prediction, label = example(size, hard)
    result = spectral_iou(prediction, label)
    s, b = masks(prediction, label)
    inter, both = (s * b).sum((2, 3)), (s + b).sum((2, 3))
    expected = inter / (both - inter)
    torch.testing.assert_close(
        result.iou()[..., -1], expected, rtol=1e-10, atol=1e-10, equal_nan=True
    )
    torch.testing.assert_close(result.size, both)


@pytest.mark.parametrize("size", SIZES)
def test_up_to_a_limit_the_overlap_is_that_of_a_low_passed_label(size):
    prediction, label = example(size)
    s, b = masks(prediction, label)
    intersection = spectral_iou(prediction, label).intersection
    assert intersection.shape == (2, 4, max(size) // 2 + 1)
    for limit in range(intersection.shape[-1]):
        expected = (s * low_pass(b, limit)).sum((2, 3))
        torch.testing.assert_close(intersection[..., limit], expected)


def test_sums_over_images_give_a_data_sets_iou():
    prediction, label = example((6, 5), hard=True)
    result = spectral_iou(prediction, label)
    total = type(result)(result.intersection.sum(0), result.size.sum(0))
    s, b = masks(prediction, label)
    inter = (s * b).sum((0, 2, 3))
    expected = inter / ((s + b).sum((0, 2, 3)) - inter)
    torch.testing.assert_close(total.iou()[:, -1], expected, equal_nan=True)


def test_a_class_that_is_nowhere_has_none():
    prediction = torch.zeros(1, 2, 4, 4).index_fill(1, torch.tensor([0]), 1.0)
    iou = spectral_iou(prediction, torch.zeros(1, 4, 4, dtype=torch.long)).iou()
    assert iou[0, 0, -1] == 1
    assert iou[0, 1].isnan().all()


def test_a_soft_label_of_itself():
    prediction, _ = example((6, 5), hard=True)
    iou = spectral_iou(prediction, prediction).iou()[..., -1]
    present = prediction.sum((2, 3)) > 0
    torch.testing.assert_close(iou[present], torch.ones_like(iou[present]))


def test_gradients():
    prediction, label = example((4, 3))
    prediction.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda s: spectral_iou(s, label).iou()[:, :3].nan_to_num(), prediction
    )


def test_what_does_not_fit_is_named():
    prediction, label = example((6, 5))
    with pytest.raises(ValueError, match="expected a prediction"):
        spectral_iou(prediction[0], label)
    with pytest.raises(ValueError, match="expected labels of the shape"):
        spectral_iou(prediction, label[:1])
