import pytest
import torch
from mmrazor.registry import MODELS

import texture_kd.components  # noqa: F401
from texture_kd.functional import fourier_distance, valid_area
from texture_kd.losses import FFTLoss


@pytest.mark.parametrize("part", ["reim", "abs"])
def test_compares_probabilities(part):
    s, t = torch.randn(2, 2, 3, 5, 6)
    loss = MODELS.build(dict(type="FFTLoss", part=part, loss_weight=3.0))
    expected = 3 * fourier_distance(s.softmax(1), t.softmax(1), part)
    torch.testing.assert_close(loss(s, t), expected)


def test_compares_what_was_recorded():
    s, t = torch.randn(2, 2, 3, 5, 6)
    loss = FFTLoss(source="raw")
    torch.testing.assert_close(loss(s, t), fourier_distance(s, t))


@pytest.mark.parametrize("source", ["prob", "raw"])
def test_what_stands_at_ignored_pixels_is_no_matter(source):
    s, t = torch.randn(2, 1, 3, 4, 4)
    gt = torch.zeros(1, 4, 4, dtype=torch.int64)
    gt[0, 1, 2] = 255
    loss_of = FFTLoss(source)
    filled = s.clone()
    filled[..., 1, 2] = t[..., 1, 2]
    wanted = loss_of(filled, t)
    s[0, 0, 1, 2], t[0, 1, 1, 2] = torch.inf, torch.nan
    s.requires_grad_()
    loss = loss_of(s, t, gt)
    torch.testing.assert_close(loss, wanted)
    loss.backward()
    assert s.grad.isfinite().all()
    assert torch.equal(s.grad[..., 1, 2], torch.zeros(1, 3))


@pytest.mark.parametrize("source", ["prob", "raw"])
@pytest.mark.parametrize("labelled", [False, True])
def test_what_stands_in_the_padding_is_no_matter(source, labelled):
    s, t = torch.randn(2, 2, 3, 8, 8)
    valid = torch.ones(2, 16, 16, dtype=torch.bool)
    valid[0, 9:] = valid[1, :, 10:] = False
    area = valid_area(valid, 2, (8, 8))
    # Padding need not be labelled so.
    gt = torch.randint(3, (2, 16, 16))
    gt[:, :2] = 255
    results = []
    for value in (0.0, torch.inf, torch.nan):
        a, b = (x.masked_fill(~area, value) for x in (s, t))
        a.requires_grad_()
        loss = FFTLoss(source)(a, b, gt if labelled else None, valid)
        results.append((loss, *torch.autograd.grad(loss, a)))
    for loss, gradient in results[1:]:
        assert torch.equal(loss, results[0][0])
        assert torch.equal(gradient, results[0][1])
    assert not results[0][1].masked_fill(area, 0).any()


def test_spectra_are_those_of_the_image_alone():
    s, t = torch.randn(2, 2, 3, 8, 8)
    valid = torch.ones(2, 16, 16, dtype=torch.bool)
    valid[:, :, 10:] = False
    area = valid_area(valid, 2, (8, 8))
    expected = fourier_distance(s.softmax(1), t.softmax(1), "abs", area)
    found = FFTLoss(part="abs")(s, t, valid=valid)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("source", ["prob", "raw"])
def test_with_all_pixels_valid_it_is_the_same(source):
    s, t = torch.randn(2, 2, 3, 8, 8)
    gt = torch.zeros(2, 8, 8, dtype=torch.int64)
    gt[0, 2:4] = 255
    everything = torch.ones(2, 1, 8, 8, dtype=torch.bool)
    loss = FFTLoss(source)
    torch.testing.assert_close(loss(s, t, None, everything), loss(s, t))
    torch.testing.assert_close(loss(s, t, gt, everything), loss(s, t, gt))


def test_nothing_but_ignored_pixels_gives_zero():
    s, t = torch.randn(2, 1, 3, 4, 4)
    assert FFTLoss()(s, t, torch.full((1, 4, 4), 255)).item() == 0


@pytest.mark.parametrize("source", ["prob", "raw"])
def test_gradient_flows_into_the_student_only(source):
    s, t = (torch.randn(1, 3, 4, 5).half().requires_grad_() for _ in range(2))
    loss = FFTLoss(source)(s, t)
    loss.backward()
    assert loss.dtype == torch.float32
    assert s.grad.abs().sum() > 0
    assert t.grad is None


@pytest.mark.parametrize("options", [dict(source="image"), dict(part="phase")])
def test_unknown_options_are_refused(options):
    with pytest.raises(ValueError, match="expected"):
        FFTLoss(**options)


@pytest.mark.parametrize(
    ("s", "t", "message"),
    [
        ((1, 3, 4, 4), (1, 3, 8, 8), "another spectrum"),
        ((1, 3, 4, 4), (1, 4, 4, 4), "one shape"),
        ((2, 3, 4, 4), (1, 3, 4, 4), "as many images"),
        ((3, 4, 4), (3, 4, 4), "from the student"),
    ],
)
def test_other_maps_are_refused(s, t, message):
    with pytest.raises(ValueError, match=message):
        FFTLoss()(torch.zeros(s), torch.zeros(t))
