import math

import pytest
import torch

from texture_kd.functional import fourier_distance


def reference(s, t, part):
    """Evaluate the definition, the transform as a matrix."""
    height, width = s.shape[-2:]
    spectrum = dft(height) @ (s - t).to(torch.complex128) @ dft(width)
    if part == "abs":
        return spectrum.abs().mean()
    return (spectrum.real.abs() + spectrum.imag.abs()).mean() / 2


def dft(size):
    k = torch.arange(size, dtype=torch.float64)
    angle = -2 * math.pi * torch.outer(k, k) / size
    return torch.polar(torch.ones_like(angle), angle) / math.sqrt(size)


@pytest.mark.parametrize("part", ["reim", "abs"])
@pytest.mark.parametrize("size", [(4, 6), (5, 7), (6, 1), (1, 8), (3, 2), (1, 1)])
def test_equals_the_definition(size, part):
    s, t = torch.randn(2, 2, 3, *size, dtype=torch.float64)
    torch.testing.assert_close(fourier_distance(s, t, part), reference(s, t, part))


@pytest.mark.parametrize("part", ["reim", "abs"])
def test_a_cyclic_shift_of_both_changes_phases_only(part):
    s, t = torch.randn(2, 1, 2, 6, 5, dtype=torch.float64)
    shifted = [z.roll((2, 3), (2, 3)) for z in (s, t)]
    same = torch.allclose(
        fourier_distance(*shifted, part), fourier_distance(s, t, part)
    )
    assert same == (part == "abs")


@pytest.mark.parametrize("part", ["reim", "abs"])
def test_noise_has_the_same_distance_at_any_size(part):
    torch.manual_seed(0)
    small, large = (
        fourier_distance(*torch.randn(2, 4, 8, size, size), part) for size in (16, 64)
    )
    torch.testing.assert_close(small, large, rtol=0.05, atol=0)


@pytest.mark.parametrize("part", ["reim", "abs"])
def test_gradcheck(part):
    s, t = torch.randn(2, 1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(lambda s, t: fourier_distance(s, t, part), (s, t))


@pytest.mark.parametrize("part", ["reim", "abs"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_equal_maps_of_low_precision(dtype, part):
    s = torch.full((1, 2, 9, 9), 6e4, dtype=dtype, requires_grad=True)
    distance = fourier_distance(s, s.detach(), part)
    distance.backward()
    assert distance.dtype == torch.float32
    assert distance == 0
    assert s.grad.isfinite().all()


@pytest.mark.parametrize(
    ("s", "t", "part", "message"),
    [
        ((1, 2, 4, 4), (1, 2, 4, 4), "phase", "part among"),
        ((1, 2, 4, 4), (1, 2, 8, 8), "abs", "one shape"),
        ((2, 4, 4), (2, 4, 4), "abs", r"\(N, C, H, W\)"),
    ],
)
def test_what_cannot_be_compared_is_refused(s, t, part, message):
    with pytest.raises(ValueError, match=message):
        fourier_distance(torch.zeros(s), torch.zeros(t), part)
