"""Spectral gradients equal their closed forms."""

import pytest
import torch
import torch.nn.functional as F

from texture_kd.functional import (
    spectral_concentration,
    spectral_cross_entropy,
    spectral_gradient,
)

SIZE = (5, 6)
N = 30
FREQUENCIES = [(0, 0), (1, 0), (2, 3), (4, 5)]


def circular(x, kernel):
    """Convolve, the images being periodic."""
    size = kernel.shape[-1] // 2
    return F.conv2d(F.pad(x, (size,) * 4, mode="circular"), kernel)


def response(kernel):
    """Return the transform of a kernel whose middle lies on pixel 0."""
    padded = torch.zeros(*SIZE, dtype=kernel.dtype)
    size = kernel.shape[-1]
    padded[:size, :size] = kernel.flip(0, 1)
    return torch.fft.fft2(padded.roll((-(size // 2),) * 2, (0, 1)))


def shifted(spectrum, frequency):
    """Return spectrum(v_i - v_j) for each v_j."""
    y, x = ((f - torch.arange(n)) % n for f, n in zip(frequency, SIZE, strict=True))
    return spectrum[..., y[:, None], x]


def delta(frequency):
    d = torch.zeros(SIZE, dtype=torch.float64)
    d[frequency] = 1
    return d


def feature(images=1, channels=1):
    x = torch.randn(images, channels, *SIZE, dtype=torch.float64)
    return x.requires_grad_()


def close(actual, expected):
    torch.testing.assert_close(
        actual, expected.to(actual.dtype), rtol=1e-10, atol=1e-10
    )


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_a_layer_with_softplus(frequency):
    kernel = torch.randn(1, 1, 3, 3, dtype=torch.float64)
    x = feature()
    z = circular(x, kernel)
    y = torch.fft.fft2(F.softplus(z))[(slice(None), 0, *frequency)]
    slope = torch.fft.fft2(z[0, 0].detach().sigmoid())
    # Eq. 28 is the first order of this in z.
    expected = response(kernel[0, 0]) * shifted(slope, frequency) / N
    close(spectral_gradient(y, x)[0, 0], expected)


def test_of_a_small_layer_the_first_order_is_the_papers():
    kernel = 1e-4 * torch.randn(1, 1, 3, 3, dtype=torch.float64)
    x, frequency = feature(), (2, 3)
    z = circular(x, kernel)
    y = torch.fft.fft2(F.softplus(z))[:, 0, 2, 3]
    k, spectrum = response(kernel[0, 0]), torch.fft.fft2(z[0, 0].detach())
    expected = k * (delta(frequency) / 2 + shifted(spectrum, frequency) / (4 * N))
    torch.testing.assert_close(
        spectral_gradient(y, x)[0, 0], expected, rtol=1e-6, atol=1e-12
    )


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_the_cross_entropy_at_the_logits(frequency, ignored):
    logits = feature(2, 3)
    label = torch.randint(3, (2, *SIZE))
    if ignored:
        label[torch.rand(label.shape) < 0.3] = 255
    value = spectral_cross_entropy(logits, label)[(slice(None), *frequency)]
    row = spectral_gradient(value, logits)
    b = torch.stack([label == c for c in range(3)], 1).double()
    b = torch.fft.fft2(b)[(..., *frequency)].conj()[..., None, None]
    s = shifted(torch.fft.fft2(logits.detach().softmax(1)), frequency)
    close(row, (s / N * b.sum(1, keepdim=True) - delta(frequency) * b) / N)
    if not ignored and frequency != (0, 0):
        # Eq. 12 is exact here: nothing but the frequency itself.
        close(row, -delta(frequency) * b / N)


def test_the_sum_of_all_rows_is_the_gradient_of_the_whole():
    logits, label = feature(1, 3), torch.randint(3, (1, *SIZE))
    values = spectral_cross_entropy(logits, label).flatten(1)
    rows = spectral_gradient(values, logits)
    assert rows.shape == (1, N, 3, *SIZE)
    s = logits.detach().softmax(1)
    b = torch.stack([label == c for c in range(3)], 1).double()
    close(rows.sum(1), torch.fft.fft2(s - b).conj() / N)


def test_it_is_the_jacobian_between_spectra():
    weight = torch.randn(4 * 3, N, dtype=torch.float64)

    def network(x):
        return (weight @ x.flatten(1).mT).mT.unflatten(1, (4, 3)).sin()

    x = feature()
    (jacobian,) = (torch.autograd.functional.jacobian(network, x).reshape(1, 12, N),)
    forward = torch.fft.fft2(
        torch.eye(12, dtype=torch.float64).reshape(12, 4, 3)
    ).reshape(12, 12)
    backward = torch.fft.ifft2(
        torch.eye(N, dtype=torch.float64).reshape(N, *SIZE)
    ).reshape(N, N)
    expected = forward.mT @ jacobian[0].to(torch.complex128) @ backward.mT
    values = torch.fft.fft2(network(x)).flatten(1)
    close(spectral_gradient(values, x)[0].flatten(1), expected)


def test_images_are_apart():
    x = feature(2)
    y = torch.fft.fft2(x.square())[:, 0, 1, 2]
    both = spectral_gradient(y, x)
    for i in range(2):
        one = x[i : i + 1].detach().requires_grad_()
        alone = spectral_gradient(torch.fft.fft2(one.square())[:, 0, 1, 2], one)
        close(both[i : i + 1], alone)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_feature_of_half_precision(dtype):
    x = feature(2, 3).detach()
    half = x.to(dtype).requires_grad_()
    row = spectral_gradient(torch.fft.fft2(half.float().square())[:, 0, 1, 2], half)
    assert row.dtype == torch.complex64
    exact = half.detach().double().requires_grad_()
    expected = spectral_gradient(torch.fft.fft2(exact.square())[:, 0, 1, 2], exact)
    torch.testing.assert_close(row, expected.to(row.dtype), rtol=0, atol=0.01)


def test_concentration():
    kernel = torch.randn(1, 1, 3, 3, dtype=torch.float64)
    x = feature()
    linear = torch.fft.fft2(circular(x, kernel))[:, 0, 1, 2]
    row = spectral_gradient(linear, x)
    close(spectral_concentration(row, (1, 2)), torch.ones(1, 1))
    close(spectral_concentration(row, (1, -4)), torch.ones(1, 1))
    close(spectral_concentration(row, (0, 0)), torch.zeros(1, 1))
    flat = torch.ones(SIZE)
    torch.testing.assert_close(
        spectral_concentration(flat, (3, 3)), torch.tensor(1 / N)
    )
    assert spectral_concentration(0 * flat, (0, 0)).isnan()
    with pytest.raises(ValueError, match=r"no frequency \(5, 0\)"):
        spectral_concentration(flat, (5, 0))


def test_what_does_not_fit_is_named():
    x = feature(2)
    y = torch.fft.fft2(x)[:, 0]
    with pytest.raises(ValueError, match="expected complex values"):
        spectral_gradient(y[:, 0, 0].real, x)
    with pytest.raises(ValueError, match="expected complex values"):
        spectral_gradient(y, x)
    with pytest.raises(ValueError, match="with N = 2"):
        spectral_gradient(y[:, 0, 0], x[0])
    with pytest.raises(RuntimeError):
        spectral_gradient(y[:, 0, 0], feature(2))
