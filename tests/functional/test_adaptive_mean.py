import pytest
import torch
import torch.nn.functional as F

from texture_kd.functional import adaptive_mean


@pytest.mark.parametrize("output", [(1, 1), (3, 3), (2, 5), (None, 3), (4, None)])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (12, 18), (13, 31)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_it_is_pytorchs_adaptive_pooling(output, size, dtype):
    x = torch.randn(2, 3, *size, dtype=dtype)
    expected = F.adaptive_avg_pool2d(x, output)
    torch.testing.assert_close(adaptive_mean(x, output), expected)


def test_a_constant_stays_one():
    x = torch.full((1, 1, 11, 9), 3.0)
    expected = torch.full((1, 1, 4, 4), 3.0)
    torch.testing.assert_close(adaptive_mean(x, (4, 4)), expected)


def test_derivatives():
    x = torch.randn(1, 2, 5, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: adaptive_mean(x, (3, 4)), x)
