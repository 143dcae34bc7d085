import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from texture_kd.functional import conv_enlarged

SIDES = st.tuples(st.integers(1, 7), st.integers(1, 7))
KERNELS = st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5]))


def problem(sizes, kernel=(3, 3), images=2, dtype=torch.float64):
    maps = [
        torch.randn(images, i + 2, *size, dtype=dtype) for i, size in enumerate(sizes)
    ]
    channels = sum(x.shape[1] for x in maps)
    return maps, torch.randn(4, channels, *kernel, dtype=dtype)


def drawn(maps, weight, size, align_corners=False):
    large = [F.interpolate(x, size, None, "bilinear", align_corners) for x in maps]
    padding = [side // 2 for side in weight.shape[2:]]
    return F.conv2d(torch.cat(large, 1), weight, padding=padding)


@settings(deadline=None, max_examples=60)
@given(st.lists(SIDES, min_size=1, max_size=3), KERNELS, SIDES, st.booleans())
def test_is_the_convolution_of_the_drawn_maps(sizes, kernel, size, align_corners):
    maps, weight = problem(sizes, kernel)
    actual = conv_enlarged(maps, weight, size, align_corners)
    expected = drawn(maps, weight, size, align_corners)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("align_corners", [False, True])
def test_derivatives(align_corners):
    maps, weight = problem([(2, 3), (1, 1)], images=1)
    inputs = [x.requires_grad_() for x in (*maps, weight)]

    def function(*inputs):
        return conv_enlarged(inputs[:-1], inputs[-1], (4, 5), align_corners)

    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_rounds_once(dtype):
    maps, weight = problem([(1, 1), (3, 2)])
    maps, weight = [x.to(dtype) for x in maps], weight.to(dtype)
    actual = conv_enlarged(maps, weight, (9, 7))
    assert actual.dtype == dtype
    expected = drawn([x.double() for x in maps], weight.double(), (9, 7))
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(actual.double(), expected, rtol=eps, atol=2e-5)


def test_computes_in_float32_under_autocast():
    maps, weight = problem([(3, 3)], dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        actual = conv_enlarged(maps, weight, (8, 8))
    assert torch.equal(actual, conv_enlarged(maps, weight, (8, 8)))


@pytest.mark.parametrize(
    ("sizes", "kernel", "message"),
    [
        ([(2, 2)], (2, 3), "odd k and l"),
        ([(2, 2)], (3, 4), "odd k and l"),
        ([], (3, 3), "as many images, got \\[\\]"),
    ],
)
def test_refuses_what_it_cannot_convolve(sizes, kernel, message):
    maps, weight = problem(sizes, kernel)
    with pytest.raises(ValueError, match=message):
        conv_enlarged(maps, weight, (5, 5))


def test_refuses_maps_that_do_not_go_together():
    maps, weight = problem([(2, 2), (3, 3)])
    with pytest.raises(ValueError, match=r"5 channels in all.*got 2"):
        conv_enlarged(maps[:1], weight, (5, 5))
    with pytest.raises(ValueError, match="as many images"):
        conv_enlarged([maps[0][:1], maps[1]], weight, (5, 5))
