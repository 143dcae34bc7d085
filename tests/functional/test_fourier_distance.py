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


def padded(x, right=5, below=4, value=0.0):
    return torch.nn.functional.pad(x, (0, right, 0, below), value=value)


@pytest.mark.parametrize("part", ["reim", "abs"])
@pytest.mark.parametrize("size", [(6, 8), (5, 7), (1, 3)])
def test_with_all_pixels_valid_it_is_the_same(size, part):
    torch.manual_seed(0)
    s, t = torch.randn(2, 2, 3, *size, dtype=torch.float64)
    s = (s + 2).requires_grad_()
    everything = torch.ones(2, 1, *size, dtype=torch.bool)
    found = fourier_distance(s, t, part, everything)
    expected = fourier_distance(s, t, part)
    torch.testing.assert_close(found, expected)
    gradients = [torch.autograd.grad(x, s)[0] for x in (found, expected)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("part", ["reim", "abs"])
def test_of_a_constant_difference_only_frequency_0_is_left(part):
    t = torch.randn(1, 3, 6, 8, dtype=torch.float64)
    s = t + torch.tensor([2.0, -1.0, 0.5]).reshape(1, 3, 1, 1)
    area = padded(torch.ones(1, 1, 6, 8)) > 0
    found = fourier_distance(padded(s), padded(t), part, area)
    torch.testing.assert_close(found, fourier_distance(s, t, part))
    # Without the area the padding's edge is compared.
    edge = fourier_distance(padded(s), padded(t), part)
    assert abs(edge - found) > 0.1 * found


@pytest.mark.parametrize("part", ["reim", "abs"])
def test_padded_noise_has_the_distance_that_it_has_without_padding(part):
    torch.manual_seed(0)
    s, t = torch.randn(2, 4, 8, 24, 32)
    area = padded(torch.ones(4, 1, 24, 32), 16, 20) > 0
    found = fourier_distance(padded(s + 1, 16, 20), padded(t, 16, 20), part, area)
    expected = fourier_distance(s + 1, t, part)
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0)


def test_images_count_by_their_valid_pixels():
    torch.manual_seed(0)
    s, t = torch.randn(2, 3, 2, 6, 8, dtype=torch.float64)
    area = torch.ones(3, 1, 6, 8, dtype=torch.bool)
    area[1, :, :, 2:] = area[2] = False
    one, other = (
        fourier_distance(s[n : n + 1], t[n : n + 1], "reim", area[n : n + 1])
        for n in range(2)
    )
    expected = (48 * one + 12 * other) / 60
    torch.testing.assert_close(fourier_distance(s, t, "reim", area), expected)
    assert fourier_distance(s, t, "reim", torch.zeros_like(area)) == 0


@pytest.mark.parametrize("part", ["reim", "abs"])
def test_what_stands_in_the_padding_is_no_matter(part):
    torch.manual_seed(0)
    s, t = torch.randn(2, 2, 3, 6, 8)
    area = torch.ones(2, 1, 6, 8, dtype=torch.bool)
    area[0, :, 4:] = area[1, ..., 5:] = False
    results = []
    for value in (0.0, torch.inf, torch.nan):
        a, b = (x.masked_fill(~area, value) for x in (s, t))
        a.requires_grad_()
        loss = fourier_distance(a, b, part, area)
        results.append((loss, *torch.autograd.grad(loss, a)))
    for loss, gradient in results[1:]:
        assert torch.equal(loss, results[0][0])
        assert torch.equal(gradient, results[0][1])
    assert not results[0][1].masked_fill(area, 0).any()


@pytest.mark.parametrize("part", ["reim", "abs"])
def test_gradcheck_of_an_area(part):
    torch.manual_seed(0)
    s, t = torch.randn(2, 2, 2, 4, 5, dtype=torch.float64)
    area = torch.ones(2, 1, 4, 5, dtype=torch.bool)
    area[0, :, 3:] = area[1, ..., 2:] = False
    torch.autograd.gradcheck(
        lambda s: fourier_distance(s, t, part, area), s.requires_grad_()
    )
