"""The cross-entropy's frequencies sum to it, and are what the definition says."""

import math

import pytest
import torch
import torch.nn.functional as F

from texture_kd.functional import (
    low_pass,
    relative_discrepancy,
    spectral_cross_entropy,
    truncated_cross_entropy,
)
from texture_kd.functional.spectral_cross_entropy import cross_entropy_fields

SIZES = [(4, 6), (5, 7), (6, 5), (9, 9), (1, 8), (1, 1)]


def example(size, images=2, classes=4, ignored=0.3):
    logits = 3 * torch.randn(images, classes, *size, dtype=torch.float64)
    label = torch.randint(classes, (images, *size))
    label[torch.rand(label.shape) < ignored] = 255
    return logits, label


def reference(logits, target):
    """Evaluate Eq. 5, the transform as a sum over pixels."""
    y = logits.logsumexp(1, keepdim=True) - logits
    transform = [dft(n) for n in logits.shape[-2:]]
    b, y = (transform[0] @ x.to(torch.complex128) @ transform[1] for x in (target, y))
    return (b.conj() * y).sum(1) / math.prod(logits.shape[-2:])


def dft(n):
    k = torch.arange(n, dtype=torch.float64)
    angle = -2 * math.pi * torch.outer(k, k) / n
    return torch.polar(torch.ones_like(angle), angle)


def one_hot(label, classes):
    return torch.stack([label == c for c in range(classes)], 1).double()


@pytest.mark.parametrize("size", SIZES)
def test_each_frequency_is_the_definitions(size):
    logits, label = example(size)
    torch.testing.assert_close(
        spectral_cross_entropy(logits, label), reference(logits, one_hot(label, 4))
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_the_sum_is_the_cross_entropy(size, weighted):
    logits, label = example(size)
    weight = torch.rand(4, dtype=torch.float64) if weighted else None
    whole = F.cross_entropy(
        logits, label, weight, ignore_index=255, reduction="none"
    ).sum((1, 2))
    decomposed = spectral_cross_entropy(logits, label, class_weight=weight)
    total = decomposed.sum((1, 2))
    torch.testing.assert_close(total.real, whole, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(total.imag, 0 * whole)
    truncated = truncated_cross_entropy(logits, label, class_weight=weight)
    torch.testing.assert_close(truncated[:, -1], whole, rtol=1e-12, atol=1e-12)


def test_soft_labels():
    logits, _ = example((6, 5))
    soft = torch.randn(2, 4, 6, 5, dtype=torch.float64).softmax(1)
    whole = F.cross_entropy(logits, soft, reduction="none").sum((1, 2))
    total = spectral_cross_entropy(logits, soft).sum((1, 2)).real
    torch.testing.assert_close(total, whole, rtol=1e-12, atol=0)


def test_a_label_with_a_channel_of_its_own_is_the_same():
    logits, label = example((6, 5))
    assert torch.equal(
        spectral_cross_entropy(logits, label[:, None]),
        spectral_cross_entropy(logits, label),
    )


def test_without_ignored_pixels_the_logarithm_is_at_frequency_0():
    logits, label = example((6, 5), ignored=0)
    b, y = (torch.fft.fft2(x) for x in (one_hot(label, 4), logits))
    expected = -(b.conj() * y).sum(1) / 30
    actual = spectral_cross_entropy(logits, label)
    other = torch.ones(6, 5, dtype=torch.bool)
    other[0, 0] = False
    torch.testing.assert_close(actual[:, other], expected[:, other])
    assert (actual - expected)[:, 0, 0].abs().min() > 1


def test_predictions_where_nothing_is_known_change_no_sum():
    logits, label = example((6, 5))
    ignored = (label == 255)[:, None]
    other = torch.where(ignored, logits + torch.randn_like(logits), logits)
    one, two = (spectral_cross_entropy(x, label) for x in (logits, other))
    assert not torch.allclose(one, two)
    torch.testing.assert_close(one.sum((1, 2)), two.sum((1, 2)))


@pytest.mark.parametrize("size", [(9, 9), (6, 5), (5, 8)])
def test_truncated_it_is_that_of_low_passed_fields(size):
    logits, label = example(size)
    b, y = cross_entropy_fields(logits, label)
    truncated = truncated_cross_entropy(logits, label)
    assert truncated.shape == (2, max(size) // 2 + 1)
    for limit in range(truncated.shape[1]):
        low = low_pass(b, limit), low_pass(y, limit)
        for fields in ((low[0], y), (b, low[1]), low):
            torch.testing.assert_close(
                (fields[0] * fields[1]).sum((1, 2, 3)), truncated[:, limit]
            )


def test_a_disc_has_the_corners_last():
    logits, label = example((9, 9))
    square, disc = (
        truncated_cross_entropy(logits, label, shell=shell)
        for shell in ("chebyshev", "radial")
    )
    assert disc.shape[1] == 7  # 4 sqrt(2) is 5.7
    torch.testing.assert_close(disc[:, -1], square[:, -1])
    assert not torch.allclose(disc[:, 4], square[:, -1])
    torch.testing.assert_close(disc[:, 0], square[:, 0])


def test_relative_discrepancy():
    truncated = torch.tensor([[3.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    relative = relative_discrepancy(truncated)
    assert torch.equal(relative[0], torch.tensor([0.5, 0.5, 0.0]))
    assert relative[1].isnan().all()
    assert torch.equal(relative_discrepancy(truncated.sum(0)), relative[0])


def test_it_may_exceed_1_and_be_negative():
    label = (torch.arange(8) % 2).expand(1, 8, 8)
    confident = 20 * (one_hot(label, 2) - 0.5)
    truncated = truncated_cross_entropy(confident, label)
    assert relative_discrepancy(truncated)[0, 0] > 1
    assert spectral_cross_entropy(confident, label).real.min() < 0


def test_gradients():
    logits, label = example((4, 3))
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: truncated_cross_entropy(x, label), logits)
    assert torch.autograd.gradcheck(
        lambda x: torch.view_as_real(spectral_cross_entropy(x, label)), logits
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    logits, label = example((6, 5))
    logits = logits.to(dtype)
    with torch.autocast("cpu", torch.bfloat16):
        low = spectral_cross_entropy(logits, label)
    assert low.dtype == torch.complex64
    expected = spectral_cross_entropy(logits.double(), label)
    torch.testing.assert_close(low, expected.to(torch.complex64), rtol=1e-4, atol=1e-4)


def test_nothing_is_known():
    logits, label = example((6, 5), ignored=1.1)
    assert torch.equal(
        truncated_cross_entropy(logits, label), torch.zeros(2, 4).double()
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(logits=torch.zeros(2, 4, 3, 5)), "bring the predictions to the size"),
        (dict(logits=torch.zeros(4, 6, 5)), r"expected logits \(N, C, H, W\)"),
        (dict(label=torch.full((2, 6, 5), 4)), r"labels \[4\] are neither one of 4"),
        (dict(label=torch.full((2, 6, 5), -1)), r"labels \[-1\] are neither"),
        (dict(label=torch.zeros(2, 6, 5)), "expected soft labels of the shape"),
        (dict(class_weight=torch.ones(3)), "a class_weight for each of 4 classes"),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    logits, label = example((6, 5))
    with pytest.raises(ValueError, match=message):
        spectral_cross_entropy(**dict(logits=logits, label=label) | change)
