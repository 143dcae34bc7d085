import math

import pytest
import torch

from texture_kd.functional import quality_focal_distance


def logits(*shape, dtype=torch.float64):
    torch.manual_seed(0)
    return tuple(3 * torch.randn(2, *shape, dtype=dtype))


def slow(s, t, beta):
    """Follow the definition, number by number."""
    p, q = (1 / (1 + math.exp(-x)) for x in (s, t))
    return abs(p - q) ** beta * -(q * math.log(p) + (1 - q) * math.log(1 - p))


@pytest.mark.parametrize("beta", [1.0, 2.0])
@pytest.mark.parametrize("shape", [(1,), (5, 3), (2, 3, 4)])
def test_equals_the_definition(shape, beta):
    s, t = logits(*shape)
    pairs = zip(s.flatten().tolist(), t.flatten().tolist(), strict=True)
    expected = [slow(a, b, beta) for a, b in pairs]
    expected = torch.tensor(expected, dtype=torch.float64)
    found = quality_focal_distance(s, t, beta)
    torch.testing.assert_close(found, expected.reshape(shape), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_its_gradient_is_that_of_both_factors(beta):
    s, t = logits(4, 3)
    s.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: quality_focal_distance(x, t, beta), s)


def test_where_both_agree_nothing_is_left_nor_pulled():
    s, _ = logits(6)
    student = s.clone().requires_grad_()
    found = quality_focal_distance(student, s)
    found.sum().backward()
    assert not found.any()
    assert not student.grad.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_certain_scores_of_any_precision_stay_finite(dtype):
    s = torch.tensor([-1e4, 1e4, 0.0, 1e4], dtype=dtype, requires_grad=True)
    t = torch.tensor([1e4, -1e4, 1e4, 1e4], dtype=dtype)
    found = quality_focal_distance(s, t)
    assert found.dtype == torch.float32
    found.sum().backward()
    assert s.grad.isfinite().all()
    torch.testing.assert_close(
        found.double(),
        torch.tensor([1e4, 1e4, math.log(2) / 2, 0]).double(),
        rtol=0.01,
        atol=1e-6,
    )


@pytest.mark.parametrize("beta", [0.5, float("nan")])
def test_wrong_exponents_are_named(beta):
    with pytest.raises(ValueError, match="beta of at least 1"):
        quality_focal_distance(*logits(2), beta)


def test_other_shapes_are_named():
    with pytest.raises(ValueError, match=r"one shape, got \(2,\) and \(3,\)"):
        quality_focal_distance(torch.zeros(2), torch.zeros(3))
