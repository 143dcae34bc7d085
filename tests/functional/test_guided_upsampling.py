import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from texture_kd.functional import guided_upsample

SIDES = st.integers(1, 9)


def maps(*size, images=2, channels=3, dtype=torch.float64):
    return torch.randn(images, channels, *size, dtype=dtype)


def bilinear(coarse, size, align_corners):
    """Interpolate in loops: PyTorch's convention, written out."""
    out = torch.zeros(*coarse.shape[:2], *size, dtype=torch.float64)

    def neighbours(index, n, m):
        if align_corners:
            position = index * (n - 1) / (m - 1) if m > 1 else 0.0
        else:
            position = max((index + 0.5) * n / m - 0.5, 0.0)
        low = min(int(position), n - 1)
        return (low, 1 - (position - low)), (min(low + 1, n - 1), position - low)

    for i in range(size[0]):
        for j in range(size[1]):
            for y, share_y in neighbours(i, coarse.shape[2], size[0]):
                for x, share_x in neighbours(j, coarse.shape[3], size[1]):
                    out[:, :, i, j] += share_y * share_x * coarse[:, :, y, x]
    return out


@settings(deadline=None, max_examples=40)
@given(st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES), st.booleans())
def test_is_the_definition_at_any_pair_of_sizes(fine, coarse, align_corners):
    guidance, slope, offset = maps(*fine), maps(*coarse), maps(*coarse)
    expected = bilinear(slope, fine, align_corners) * guidance
    expected += bilinear(offset, fine, align_corners)
    actual = guided_upsample(guidance, slope, offset, align_corners)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_without_a_slope_it_is_interpolation_to_the_bit(dtype):
    guidance, offset = maps(13, 17, dtype=dtype), maps(5, 4, dtype=dtype)
    expected = F.interpolate(offset, (13, 17), mode="bilinear")
    assert torch.equal(guided_upsample(guidance, 0 * offset, offset), expected)


def test_constant_coefficients_are_a_linear_map_of_the_guidance():
    guidance, ones = maps(13, 17), torch.ones(2, 3, 5, 4, dtype=torch.float64)
    actual = guided_upsample(guidance, 2 * ones, -ones)
    torch.testing.assert_close(actual, 2 * guidance - 1, rtol=0, atol=1e-12)


def test_is_linear_in_the_coefficients():
    guidance = maps(7, 6)
    first, second = (torch.stack([maps(3, 2), maps(3, 2)]) for _ in range(2))
    expected = 2 * guided_upsample(guidance, *first)
    expected = expected - guided_upsample(guidance, *second)
    actual = guided_upsample(guidance, *(2 * first - second))
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("coarse", [(2, 3), (4, 5), (6, 7)])
def test_derivatives(coarse):
    inputs = [maps(4, 5, channels=1), *(maps(*coarse, channels=1) for _ in range(2))]
    inputs = [x.requires_grad_() for x in inputs]
    assert torch.autograd.gradcheck(guided_upsample, inputs)
    assert torch.autograd.gradgradcheck(guided_upsample, inputs)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(3, 4, 4), (2, 3, 2, 2), (2, 3, 2, 2)], "maps"),
        ([(2, 3, 4, 4), (2, 3, 2, 2), (2, 3, 2, 1)], "of one shape"),
        ([(2, 3, 4, 4), (2, 4, 2, 2), (2, 4, 2, 2)], "guidance's images and channels"),
        ([(1, 3, 4, 4), (2, 3, 2, 2), (2, 3, 2, 2)], "guidance's images and channels"),
    ],
)
def test_shapes_that_do_not_go_together(shapes, message):
    with pytest.raises(ValueError, match=message):
        guided_upsample(*(torch.zeros(shape) for shape in shapes))
