"""Losses of affinities keep to valid pixels."""

import pytest
import torch
import torch.nn.functional as F

from texture_kd.functional import standardise, valid_area
from texture_kd.losses import FAKDLoss, PairwiseKDLoss


def fakd(patch):
    return FAKDLoss(patch, loss_weight=1.0)


def standardised_fakd(patch):
    return FAKDLoss(patch, loss_weight=1.0, standardise=True)


LOSSES = [PairwiseKDLoss, fakd, standardised_fakd]


def padded(images=2, size=(5, 7)):
    """Return the valid area: one image is padded below, one on the right."""
    valid = torch.ones(images, *size, dtype=torch.bool)
    valid[0, -size[0] * 2 // 5 :] = valid[-1, :, -size[1] * 3 // 7 :] = False
    return valid


def features(size=(5, 7), images=2, dtype=torch.float64):
    return [torch.randn(images, c, *size, dtype=dtype) for c in (4, 6)]


def nodes(feature, valid, patch):
    """Return the mean of the valid positions of each patch that has any."""
    found = []
    for y in range(0, feature.shape[1], patch):
        for x in range(0, feature.shape[2], patch):
            area = valid[y : y + patch, x : x + patch]
            if area.any():
                pixels = feature[:, y : y + patch, x : x + patch][:, area]
                found.append(pixels.mean(1))
    return found


def slow(s, t, valid, patch, squared):
    """Follow the definition: pair by pair."""
    differences = []
    for a, b, area in zip(s, t, valid, strict=True):
        sides = [nodes(x, area, patch) for x in (a, b)]
        for i in range(len(sides[0])):
            for j in range(len(sides[0])):
                first, second = (
                    float(F.cosine_similarity(x[i], x[j], dim=0)) for x in sides
                )
                differences.append(abs(first - second) ** (2 if squared else 1))
    return sum(differences) / len(differences)


@pytest.mark.parametrize("patch", [1, 2, 3])
@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("loss_of", LOSSES)
def test_equals_the_definition(loss_of, images, patch):
    s, t = features(images=images)
    valid = padded(images)
    compared = s, t
    if loss_of is standardised_fakd:
        compared = [standardise(x, valid[:, None]) for x in (s, t)]
    expected = slow(*compared, valid, patch, loss_of is PairwiseKDLoss)
    assert loss_of(patch)(s, t, valid).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("size", [(5, 7), (3, 4), (10, 15)])
@pytest.mark.parametrize("patch", [1, 2])
@pytest.mark.parametrize("loss_of", LOSSES)
def test_what_stands_in_the_padding_changes_nothing(loss_of, patch, size):
    s, t = torch.randn(2, 4, *size), torch.randn(2, 6, 5, 7)
    valid = padded(size=(40, 56))
    results = []
    for padding in (0.0, torch.inf, torch.nan):
        a, b = (
            torch.where(valid_area(valid, 2, x.shape[2:]), x, padding) for x in (s, t)
        )
        a.requires_grad_()
        loss = loss_of(patch)(a, b, valid)
        loss.backward()
        results.append((loss, a.grad))
    for loss, gradient in results[1:]:
        assert torch.equal(loss, results[0][0])
        assert torch.equal(gradient, results[0][1])
    outside = ~valid_area(valid, 2, size).expand_as(s)
    assert not results[0][1][outside].any()
    assert results[0][1][~outside].any()


@pytest.mark.parametrize("size", [(4, 6), (2, 3), (8, 12)])
@pytest.mark.parametrize("patch", [1, 2])
@pytest.mark.parametrize("loss_of", LOSSES)
def test_padding_makes_no_difference(loss_of, patch, size):
    s = torch.randn(2, 4, *size, dtype=torch.float64)
    t = torch.randn(2, 6, 4, 6, dtype=torch.float64)
    larger = (F.pad(x, (0, x.shape[3], 0, x.shape[2]), value=3.0) for x in (s, t))
    valid = torch.zeros(2, 64, 96, dtype=torch.bool)
    valid[:, :32, :48] = True
    loss = loss_of(patch)
    torch.testing.assert_close(loss(*larger, valid), loss(s, t))


@pytest.mark.parametrize("patch", [1, 2])
@pytest.mark.parametrize("loss_of", LOSSES)
def test_padding_within_a_coarse_cell_makes_no_difference(loss_of, patch):
    s = torch.randn(2, 4, 4, 4, dtype=torch.float64)
    t = torch.randn(2, 6, 16, 16, dtype=torch.float64)
    valid = torch.zeros(2, 16, 16, dtype=torch.bool)
    valid[..., :11] = True
    # The student's second column is its last without padding, and shown to column 10.
    shown = F.interpolate(s[..., :2], (16, 8), mode="bilinear")
    shown = F.pad(shown, (0, 2, 0, 0), mode="replicate")
    loss = loss_of(patch)
    torch.testing.assert_close(loss(s, t, valid), loss(shown, t[..., :10]))
    assert loss(torch.ones_like(s), torch.ones_like(t), valid).abs() < 1e-9


@pytest.mark.parametrize("size", [(5, 7), (4, 9)])
@pytest.mark.parametrize("loss_of", LOSSES)
def test_all_valid_is_as_without_an_area(loss_of, size):
    s, t = features(size)[0], features()[1]
    everything = torch.ones(2, 1, 31, 47, dtype=torch.bool)
    loss = loss_of(2)
    torch.testing.assert_close(loss(s, t, everything), loss(s, t))


@pytest.mark.parametrize("loss_of", LOSSES)
def test_nothing_valid_gives_zero_with_a_graph(loss_of):
    s, t = features()
    s.requires_grad_()
    loss = loss_of(2)(s, t, torch.zeros_like(padded()))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(s.grad, torch.zeros_like(s))


def test_standardised_neither_scale_nor_offset_of_a_channel_matters():
    s, t = features()
    scale, offset = torch.rand(2, 1, 4, 1, 1, dtype=torch.float64) + 0.1
    loss = standardised_fakd(2)
    for valid in (None, padded()):
        found = loss(scale * s + offset, 9 * t - 4, valid)
        torch.testing.assert_close(found, loss(s, t, valid))


@pytest.mark.parametrize("valid", [None, padded()])
def test_constants_are_finite_when_standardised(valid):
    _, t = features(dtype=torch.float32)
    for value in (0.0, 1.0, 1e4):
        s = torch.full((2, 4, 5, 7), value, requires_grad=True)
        loss = standardised_fakd(2)(s, t, valid)
        loss.backward()
        assert loss.isfinite()
        assert s.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("loss_of", LOSSES)
def test_low_precision_changes_little(loss_of, dtype):
    torch.manual_seed(0)
    s, t = features()
    with torch.autocast("cpu", dtype):
        loss = loss_of(2)(s.to(dtype), t.to(dtype), padded())
    assert loss.dtype == torch.float32
    expected = loss_of(2)(s, t, padded()).float()
    torch.testing.assert_close(loss, expected, rtol=0.01, atol=0)


@pytest.mark.parametrize("valid", [None, padded(1)])
@pytest.mark.parametrize("loss_of", LOSSES)
def test_gradcheck(loss_of, valid):
    torch.manual_seed(0)
    s, t = features(images=1)
    loss = loss_of(2)
    torch.autograd.gradcheck(lambda s: loss(s, t, valid), s.requires_grad_())


@pytest.mark.parametrize("loss_of", LOSSES)
def test_what_is_no_area_is_named(loss_of):
    with pytest.raises(ValueError, match="valid as a boolean tensor"):
        loss_of(2)(*features(), padded().float())
