import pytest
import torch

from texture_kd.functional import generalized_iou


def boxes(count, spread=20.0, dtype=torch.float64):
    corner = spread * torch.rand(count, 2, dtype=dtype)
    return torch.cat([corner, corner + 1 + 9 * torch.rand(count, 2, dtype=dtype)], 1)


def slow(a, b):
    """Follow the definition with plain numbers."""

    def area(x0, y0, x1, y1):
        return max(x1 - x0, 0) * max(y1 - y0, 0)

    lows = [[f(a[i], b[i]) for i in (0, 1)] for f in (min, max)]
    highs = [[f(a[i], b[i]) for i in (2, 3)] for f in (min, max)]
    shared = area(*lows[1], *highs[0])
    union = area(*a) + area(*b) - shared
    about = area(*lows[0], *highs[1])
    return shared / union - (about - union) / about


@pytest.mark.parametrize("spread", [2.0, 20.0, 500.0])
def test_equals_the_definition(spread):
    torch.manual_seed(0)
    a, b = boxes(50, spread), boxes(50, spread)
    expected = [slow(*pair) for pair in zip(a.tolist(), b.tolist(), strict=True)]
    expected = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(generalized_iou(a, b), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(generalized_iou(b, a), generalized_iou(a, b))


def test_gradient():
    torch.manual_seed(0)
    a, b = boxes(20).requires_grad_(), boxes(20).requires_grad_()
    assert torch.autograd.gradcheck(generalized_iou, (a, b))


def test_boxes_that_do_not_meet_are_drawn_together():
    a = torch.tensor([[0.0, 0, 2, 2]], requires_grad=True)
    generalized_iou(a, torch.tensor([[10.0, 0, 12, 2]])).sum().backward()
    assert a.grad[0, 2] > 0


def test_equal_boxes_and_those_without_area():
    box = torch.tensor([[3.0, 4, 8, 6]])
    assert generalized_iou(box, box).item() == 1
    point, other = torch.tensor([[3.0, 4, 3, 4]]), torch.tensor([[9.0, 9, 9, 9]])
    assert generalized_iou(point, point).item() == 0
    assert generalized_iou(point, other).item() == -1
    point.requires_grad_()
    generalized_iou(point, point.detach()).sum().backward()
    assert point.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_areas_beyond_half_precision(dtype):
    a = torch.tensor([[0, 0, 1024, 1024], [0, 0, 512, 1024]], dtype=dtype)
    found = generalized_iou(a, a.flip(0))
    assert found.dtype == torch.float32
    assert found.tolist() == [0.5, 0.5]


def test_no_boxes():
    assert generalized_iou(torch.zeros(0, 4), torch.zeros(0, 4)).shape == (0,)


@pytest.mark.parametrize("shapes", [((2, 4), (3, 4)), ((2, 5), (2, 5)), ((4,), (4,))])
def test_wrong_shapes_are_named(shapes):
    with pytest.raises(ValueError, match=r"one shape \(K, 4\)"):
        generalized_iou(*(torch.zeros(shape) for shape in shapes))
