import pytest
import torch
import torch.nn.functional as F
from mmrazor.registry import MODELS

import texture_kd.components  # noqa: F401
from texture_kd.functional import valid_area
from texture_kd.losses import ResponseKDLoss


def test_is_built_by_the_registry_and_weighted():
    s, t = torch.randn(2, 2, 5, 4, 6)
    loss = MODELS.build(dict(type="ResponseKDLoss", temperature=2.0, loss_weight=3.0))
    expected = 3 * ResponseKDLoss(temperature=2.0)(s, t)
    torch.testing.assert_close(loss(s, t), expected)


def test_equals_the_mean_of_the_definition():
    s, t = torch.randn(2, 2, 5, 4, 6, dtype=torch.float64)
    p, q = (t / 2).softmax(1), (s / 2).softmax(1)
    expected = 4 * (p * (p / q).log()).sum(1).mean()
    torch.testing.assert_close(ResponseKDLoss(temperature=2.0)(s, t), expected)


@pytest.mark.parametrize("shape", [(2, 4, 6), (2, 1, 4, 6)])
def test_ignored_pixels_have_no_say(shape):
    s, t = torch.randn(2, 2, 5, 4, 6, dtype=torch.float64)
    s.requires_grad_()
    gt = torch.randint(0, 5, shape)
    gt[torch.rand(shape) < 0.5] = 255
    valid = gt.reshape(2, 4, 6) != 255
    loss = ResponseKDLoss()(s, t, gt)

    columns = [z.movedim(1, -1)[valid].T[None, :, :, None] for z in (s, t)]
    torch.testing.assert_close(loss, ResponseKDLoss()(*columns))

    (gradient,) = torch.autograd.grad(loss, s)
    assert ((gradient.abs().sum(1) > 0) == valid).all()


def test_what_stands_at_ignored_pixels_is_no_matter():
    s, t = torch.randn(2, 1, 3, 2, 2)
    gt = torch.tensor([[[255, 0], [1, 2]]])
    wanted = ResponseKDLoss()(s, t, gt)
    s[0, 0, 0, 0], t[0, 1, 0, 0] = torch.inf, torch.nan
    s.requires_grad_()
    loss = ResponseKDLoss()(s, t, gt)
    torch.testing.assert_close(loss, wanted)
    (gradient,) = torch.autograd.grad(loss, s)
    assert gradient.isfinite().all()


def test_ignore_index_can_be_chosen():
    s, t = torch.randn(2, 1, 3, 2, 2)
    gt = torch.tensor([[[11, 0], [1, 255]]])
    kept = ResponseKDLoss(ignore_index=11)(s, t, gt)
    pixels = ResponseKDLoss()(
        *(z.flatten(2)[..., 1:, None] for z in (s, t)),
    )
    torch.testing.assert_close(kept, pixels)


def test_nothing_but_ignored_pixels_gives_exactly_zero():
    s, t = torch.randn(2, 2, 5, 4, 6)
    s.requires_grad_()
    loss = ResponseKDLoss()(s, t, torch.full((2, 4, 6), 255))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(s.grad, torch.zeros_like(s))


def test_labels_are_read_at_the_centres_of_the_cells():
    s, t = torch.randn(2, 1, 3, 2, 3)
    coarse = torch.tensor([[[0, 255, 1], [255, 2, 2]]])
    fine = coarse.repeat_interleave(3, 1).repeat_interleave(3, 2)
    fine[:, ::3] = 0
    loss = ResponseKDLoss()
    torch.testing.assert_close(loss(s, t, fine), loss(s, t, coarse))


def padded(x, value=0.0, right=3, below=2):
    return F.pad(x, (0, right, 0, below), value=value)


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("labelled", [False, True])
def test_a_padded_batch_has_the_loss_of_what_is_not_padded(labelled, factor):
    s = torch.randn(2, 5, 4, 6, dtype=torch.float64)
    t = torch.randn(2, 5, 4 * factor, 6 * factor, dtype=torch.float64)
    sides = (3 * factor, 2 * factor)
    valid = padded(torch.ones(2, 1, *t.shape[2:]), 0, *sides) > 0
    gt = torch.randint(0, 5, (2, 1, *t.shape[2:]))
    gt[..., :2, 1] = 255
    # Labels say nothing of the padding.
    labels = (padded(gt, 1, *sides),) if labelled else ()
    expected = ResponseKDLoss(2.0)(s, t, *((gt,) if labelled else ()))
    given = padded(s, torch.inf).requires_grad_(), padded(t, torch.nan, *sides)
    loss = ResponseKDLoss(2.0)(*given, *labels, valid=valid)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    gradient = given[0].grad
    assert gradient.isfinite().all()
    assert gradient[:, :, :4, :6].abs().sum() > 0
    assert not padded(torch.zeros_like(s), 1.0).mul(gradient).any()


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
        loss = ResponseKDLoss()(a, b, valid=valid)
        results.append((loss, *torch.autograd.grad(loss, a)))
    for loss, gradient in results[1:]:
        assert torch.equal(loss, results[0][0])
        assert torch.equal(gradient, results[0][1])
    assert not results[0][1].mul(outside).any()
    assert results[0][1].any()


def test_with_all_pixels_valid_it_is_the_same():
    s, t = torch.randn(2, 5, 3, 4), torch.randn(2, 5, 4, 6)
    gt = torch.randint(0, 5, (2, 4, 6))
    gt[0, 0] = 255
    everything = torch.ones(2, 1, 16, 24, dtype=torch.bool)
    loss = ResponseKDLoss()
    torch.testing.assert_close(loss(s, t, valid=everything), loss(s, t))
    torch.testing.assert_close(loss(s, t, gt, everything), loss(s, t, gt))
    assert loss(s, t, gt, ~everything) == 0


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(4, 6), (16, 24), (7, 5)])
def test_the_student_is_brought_to_the_grid_of_the_teacher(size, align_corners):
    s, t = torch.randn(2, 5, *size), torch.randn(2, 5, 8, 12)
    resized = F.interpolate(s, (8, 12), mode="bilinear", align_corners=align_corners)
    torch.testing.assert_close(
        ResponseKDLoss(align_corners=align_corners)(s, t), ResponseKDLoss()(resized, t)
    )


def test_one_weight_serves_every_resolution():
    s, t = torch.randn(2, 1, 5, 4, 6)
    tiled = (z.repeat(3, 1, 2, 2) for z in (s, t))
    torch.testing.assert_close(ResponseKDLoss()(*tiled), ResponseKDLoss()(s, t))


def test_gradient_flows_into_the_student_only():
    s, t = torch.randn(1, 3, 2, 2), torch.randn(1, 3, 4, 4)
    s.requires_grad_()
    t.requires_grad_()
    ResponseKDLoss()(s, t).backward()
    assert s.grad.abs().sum() > 0
    assert t.grad is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_large_logits_of_low_precision_stay_finite(dtype):
    t = (
        torch.tensor([6e4, -6e4, 0.0], dtype=dtype)
        .reshape(1, 3, 1, 1)
        .repeat(2, 1, 2, 2)
    )
    s = t[:, :, :1].flip(1).clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        loss = ResponseKDLoss()(s, t)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert s.grad.isfinite().all()


@pytest.mark.parametrize(
    ("student", "teacher", "message"),
    [
        ((1, 3, 4, 4), (1, 5, 4, 4), "same classes, got 3 and 5"),
        ((2, 3, 4, 4), (1, 3, 4, 4), "as many images.*got 2 and 1"),
        ((3, 4, 4), (1, 3, 4, 4), r"from the student.*\(3, 4, 4\)"),
        ((1, 3, 4, 4), (1, 3, 4), r"from the teacher.*\(1, 3, 4\)"),
    ],
)
def test_logits_that_do_not_fit_are_refused(student, teacher, message):
    with pytest.raises(ValueError, match=message):
        ResponseKDLoss()(torch.zeros(student), torch.zeros(teacher))


@pytest.mark.parametrize(
    ("gt", "message"),
    [
        (torch.zeros(1, 4, 4, dtype=torch.long), "N = 2"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.long), r"\(2, 3, 4, 4\)"),
        (torch.zeros(4, 4, dtype=torch.long), r"\(4, 4\)"),
        (torch.zeros(2, 4, 4), "integer labels.*float32"),
    ],
)
def test_labels_that_do_not_fit_are_refused(gt, message):
    with pytest.raises(ValueError, match=message):
        ResponseKDLoss()(torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4), gt)


def test_temperatures_must_be_positive():
    with pytest.raises(ValueError, match="positive temperature, got 0"):
        ResponseKDLoss(temperature=0)
