import pytest
import torch
import torch.nn.functional as F
from mmrazor.models.losses import ChannelWiseDivergence
from mmrazor.registry import MODELS

import texture_kd.components  # noqa: F401
from texture_kd.functional import valid_area
from texture_kd.losses import CWDLoss


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_on_one_grid_it_is_mmrazors(images, channels, temperature):
    s, t = torch.randn(2, images, channels, 5, 7, dtype=torch.float64)
    s.requires_grad_()
    options = dict(temperature=temperature, loss_weight=3.0)
    ours = MODELS.build(dict(type="CWDLoss", **options))(s, t)
    theirs = ChannelWiseDivergence(tau=temperature, loss_weight=3.0)(s, t)
    torch.testing.assert_close(ours, theirs)
    gradients = [torch.autograd.grad(value, s)[0] for value in (ours, theirs)]
    torch.testing.assert_close(*gradients)


def test_the_gradient_is_that_of_the_value():
    s, t = torch.randn(2, 1, 2, 3, 3, dtype=torch.float64)
    t = F.interpolate(t, (4, 5))
    valid = torch.ones(1, 8, 10, dtype=torch.bool)
    valid[:, 6:] = False
    s.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: CWDLoss(2.0)(x, t, None, valid), s)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(4, 6), (16, 24), (7, 5)])
def test_the_student_is_brought_to_the_grid_of_the_teacher(size, align_corners):
    s, t = torch.randn(2, 5, *size), torch.randn(2, 5, 8, 12)
    resized = F.interpolate(s, (8, 12), mode="bilinear", align_corners=align_corners)
    found = CWDLoss(align_corners=align_corners)(s, t)
    torch.testing.assert_close(found, ChannelWiseDivergence()(resized, t))


@pytest.mark.parametrize("factor", [1, 2])
def test_a_padded_batch_has_the_loss_of_what_is_not_padded(factor):
    s = torch.randn(2, 5, 4, 6, dtype=torch.float64)
    t = torch.randn(2, 5, 4 * factor, 6 * factor, dtype=torch.float64)
    expected = CWDLoss(2.0)(s, t)
    sides = (0, 3 * factor, 0, 2 * factor)
    valid = F.pad(torch.ones(2, 1, *t.shape[2:]), sides) > 0
    padded = F.pad(s, (0, 3, 0, 2), value=torch.inf).requires_grad_()
    loss = CWDLoss(2.0)(padded, F.pad(t, sides, value=torch.nan), valid=valid)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert padded.grad[:, :, :4, :6].any()
    assert not padded.grad[:, :, 4:].any()
    assert not padded.grad[..., 6:].any()


@pytest.mark.parametrize("size", [(4, 6), (2, 3), (5, 7)])
def test_what_stands_in_the_padding_is_no_matter(size):
    s, t = torch.randn(2, 5, *size), torch.randn(2, 5, 4, 6)
    valid = torch.ones(2, 16, 24, dtype=torch.bool)
    valid[0, 9:] = valid[1, :, 17:] = False
    outside = valid_area(~valid, 2, size)
    results = []
    for value in (0.0, 1e4, torch.inf, torch.nan):
        a, b = s.masked_fill(outside, value), t.clone()
        b[0, :, 3] = b[1, :, :, 5] = value
        a.requires_grad_()
        loss = CWDLoss()(a, b, valid=valid)
        results.append((loss, *torch.autograd.grad(loss, a)))
    for loss, gradient in results[1:]:
        assert torch.equal(loss, results[0][0])
        assert torch.equal(gradient, results[0][1])
    assert results[0][1].any()


def test_ignored_pixels_have_no_say():
    s, t = torch.randn(2, 1, 5, 4, 6, dtype=torch.float64)
    gt = torch.zeros(1, 1, 4, 6, dtype=torch.long)
    gt[:, :, 1:3] = 11
    kept = [z[:, :, [0, 3]] for z in (s, t)]
    found = CWDLoss(ignore_index=11)(s, t, gt)
    torch.testing.assert_close(found, ChannelWiseDivergence()(*kept))


def test_nothing_that_counts_gives_zero_with_a_graph():
    s, t = torch.randn(2, 2, 5, 4, 6)
    s.requires_grad_()
    for given in (
        dict(gt=torch.full((2, 4, 6), 255)),
        dict(valid=torch.zeros(2, 4, 6, dtype=torch.bool)),
    ):
        loss = CWDLoss()(s, t, **given)
        (gradient,) = torch.autograd.grad(loss, s)
        assert loss.item() == 0
        assert not gradient.any()


def test_gradient_flows_into_the_student_only():
    s, t = torch.randn(1, 3, 2, 2), torch.randn(1, 3, 4, 4)
    s.requires_grad_()
    t.requires_grad_()
    CWDLoss()(s, t).backward()
    assert s.grad.any()
    assert t.grad is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_large_logits_of_low_precision_stay_finite(dtype):
    t = torch.tensor([6e4, -6e4, 0.0, 1.0], dtype=dtype).reshape(1, 1, 2, 2)
    s = t.flip(2).clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        loss = CWDLoss()(s, t)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert s.grad.isfinite().all()


@pytest.mark.parametrize(
    ("student", "teacher", "message"),
    [
        ((1, 3, 4, 4), (1, 5, 4, 4), "got 3 and 5: .*out_channel=5"),
        ((1, 1, 4, 4), (1, 2, 4, 4), "got 1 and 2: .*same out_channels"),
        ((2, 3, 4, 4), (1, 3, 4, 4), "as many images.*got 2 and 1"),
        ((3, 4, 4), (1, 3, 4, 4), r"from the student.*\(3, 4, 4\)"),
        ((1, 3, 4, 4), (1, 3, 4), r"from the teacher.*\(1, 3, 4\)"),
    ],
)
def test_maps_that_do_not_fit_are_refused(student, teacher, message):
    with pytest.raises(ValueError, match=message):
        CWDLoss()(torch.zeros(student), torch.zeros(teacher))


def test_temperatures_must_be_positive():
    with pytest.raises(ValueError, match="positive temperature, got -1"):
        CWDLoss(temperature=-1)
