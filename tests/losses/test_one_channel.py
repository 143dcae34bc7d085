"""Logits of one channel are those of a sigmoid, in every loss that compares classes."""

import pytest
import torch
from mmrazor.models.losses import KLDivergence

from texture_kd.algorithms.softmax_losses import of_softmax
from texture_kd.functional import two_class_logits
from texture_kd.losses import (
    AdversarialLoss,
    CWDLoss,
    FFTLoss,
    LSFDLoss,
    ResponseKDLoss,
)


@pytest.fixture
def logits():
    torch.manual_seed(0)
    return tuple(3 * torch.randn(2, 1, 4, 6, dtype=torch.float64) for _ in range(2))


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_the_response_is_compared_by_the_binary_divergence(logits, temperature):
    s, t = logits
    s.requires_grad_()
    gt = torch.randint(0, 2, (2, 1, 4, 6))
    gt[:, :, 1] = 255
    loss = ResponseKDLoss(temperature)(s, t, gt)
    p, q = (t / temperature).sigmoid(), (s / temperature).sigmoid()
    divergence = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
    expected = temperature**2 * divergence[gt != 255].mean()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        *(torch.autograd.grad(value, s)[0] for value in (loss, expected))
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_large_logits_of_low_precision_stay_finite(dtype):
    t = torch.tensor([6e4, -6e4], dtype=dtype).reshape(1, 1, 1, 2)
    s = t.flip(3).clone().requires_grad_()
    loss = ResponseKDLoss()(s, t)
    loss.backward()
    assert loss.isfinite()
    assert s.grad.isfinite().all()


def built(loss, **given):
    """A loss of logits that has the same random numbers each time."""
    torch.manual_seed(1)
    if loss is AdversarialLoss:
        image = torch.ones(2, 3, 8, 8)
        return AdversarialLoss(2, channels=2, seed=3)(**given, image=image)
    if loss is LSFDLoss:
        features = torch.randn(2, 2, 5, 4, 6)
        return LSFDLoss()(*features, **given)
    return loss()(**given)


@pytest.mark.parametrize("loss", [ResponseKDLoss, AdversarialLoss, FFTLoss, LSFDLoss])
@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("theirs", [False, True])
def test_one_channel_is_two_classes_on_either_side(logits, loss, ours, theirs):
    two = [two_class_logits(z) for z in logits]
    given = [
        b if flag else a for a, b, flag in zip(logits, two, (ours, theirs), strict=True)
    ]
    expected = built(loss, preds_S=two[0], preds_T=two[1])
    found = built(loss, preds_S=given[0], preds_T=given[1])
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert found != 0


@pytest.mark.parametrize(
    ("loss", "options"),
    [
        (ResponseKDLoss, {}),
        (AdversarialLoss, dict(num_classes=3, channels=2, seed=3)),
        (FFTLoss, {}),
        (FFTLoss, dict(source="raw")),
        (LSFDLoss, {}),
        (LSFDLoss, dict(attention="logit")),
        (LSFDLoss, dict(attention="logit_centered")),
        (CWDLoss, {}),
        (KLDivergence, {}),
    ],
)
def test_who_says_to_compare_softmax_does_not_see_a_shift_of_all_classes(loss, options):
    torch.manual_seed(2)
    s, t, shift = torch.randn(3, 2, 3, 8, 8, dtype=torch.float64)
    features = torch.randn(2, 2, 5, 8, 8, dtype=torch.float64)
    more = dict(image=torch.ones(2, 3, 8, 8)) if loss is AdversarialLoss else {}
    if loss is LSFDLoss:
        more = dict(zip(("s_feature", "t_feature"), features, strict=True))

    def value(preds_S):
        torch.manual_seed(1)
        return loss(**options)(preds_S=preds_S, preds_T=t, **more)

    moved = value(s + 3 * shift[:, :1])
    same = torch.allclose(value(s), moved, rtol=1e-5, atol=0)
    assert of_softmax(loss(**options)) == same


def test_without_attention_no_logits_are_compared():
    assert not of_softmax(LSFDLoss("none"))
