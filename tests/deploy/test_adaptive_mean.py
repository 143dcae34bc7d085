import pytest
import torch
from torch import nn

from texture_kd.deploy import AdaptiveMean


@pytest.mark.parametrize("output_size", [1, 2, 3, 6, (2, 5), (None, 3), (4, None)])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (12, 18), (13, 31)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_it_is_pytorchs_adaptive_pooling(output_size, size, dtype):
    x = torch.randn(2, 3, *size, dtype=dtype)
    expected = nn.AdaptiveAvgPool2d(output_size)(x)
    torch.testing.assert_close(AdaptiveMean(output_size)(x), expected)


def test_a_constant_stays_one():
    x = torch.full((1, 1, 11, 9), 3.0)
    torch.testing.assert_close(AdaptiveMean(4)(x), torch.full((1, 1, 4, 4), 3.0))
