"""Truncation keeps the frequencies that the grid can hold."""

import pytest
import torch
import torch.nn.functional as F

from texture_kd.functional import band_limit, fourier_resample, low_pass

SIZES = [(9, 9), (9, 6), (8, 5), (1, 7)]
MODES = ["bilinear", "area", "fourier"]


def maps(size, dtype=torch.float64):
    return torch.randn(2, 3, *size, dtype=dtype)


def frequencies(n):
    return (torch.fft.fftfreq(n) * n).round().long()


def cropped(x, size, centred):
    """Crop the spectra, frequency by frequency, and transform them back."""
    spectrum = torch.fft.fft2(x)
    small = torch.zeros(*x.shape[:-2], *size, dtype=spectrum.dtype)
    pairs = list(zip(x.shape[-2:], size, strict=True))
    shift = [(n / m - 1) / 2 if centred else 0 for n, m in pairs]
    bands = [
        [0] if min(n, m) < 2 else range(-((min(n, m) - 1) // 2), (min(n, m) + 1) // 2)
        for n, m in pairs
    ]
    for fy in bands[0]:
        for fx in bands[1]:
            turn = fy * shift[0] / x.shape[-2] + fx * shift[1] / x.shape[-1]
            phase = torch.exp(2j * torch.pi * torch.tensor(turn).double())
            small[..., fy, fx] = spectrum[..., fy, fx] * phase
    scale = size[0] * size[1] / (x.shape[-2] * x.shape[-1])
    return torch.fft.ifft2(small).real * scale


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize(
    ("size", "grid"),
    [((9, 9), (5, 5)), ((9, 7), (4, 6)), ((8, 6), (5, 1)), ((5, 4), (9, 7))],
)
def test_a_spectrum_is_cropped_or_padded(size, grid, centred):
    x = maps(size)
    torch.testing.assert_close(
        fourier_resample(x, grid, centred), cropped(x, grid, centred)
    )


@pytest.mark.parametrize("size", SIZES)
def test_low_pass_is_chebyshevs(size):
    x = maps(size)
    for limit in range(max(size) // 2 + 1):
        keep = torch.maximum(
            frequencies(size[0]).abs()[:, None], frequencies(size[1]).abs()
        )
        expected = torch.fft.ifft2(torch.fft.fft2(x) * (keep <= limit)).real
        torch.testing.assert_close(low_pass(x, limit), expected)
    assert torch.equal(low_pass(x, max(size) // 2), x)


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("limit", [0, 1, 3])
def test_cropped_and_padded_it_is_low_passed(limit, centred):
    x = maps((9, 8))
    grid = (2 * limit + 1,) * 2
    back = fourier_resample(fourier_resample(x, grid, centred), (9, 8), centred)
    torch.testing.assert_close(back, low_pass(x, limit))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
def test_the_full_band_is_the_identity(size, mode):
    x = maps(size)
    assert torch.equal(band_limit(x, size, mode), x)
    assert torch.equal(band_limit(x, size, "bilinear", align_corners=True), x)


@pytest.mark.parametrize("mode", ["area", "fourier"])
def test_means_are_kept(mode):
    x = maps((8, 6))
    torch.testing.assert_close(band_limit(x, (4, 3), mode).mean((2, 3)), x.mean((2, 3)))


@pytest.mark.parametrize("mode", MODES)
def test_constants_are_kept_and_it_is_linear(mode):
    one = torch.ones(1, 1, 9, 8, dtype=torch.float64)
    small = band_limit(one, (4, 5), mode)
    torch.testing.assert_close(small, torch.ones_like(small))
    x, y = maps((9, 8)), maps((9, 8))
    torch.testing.assert_close(
        band_limit(2 * x - 3 * y, (4, 5), mode),
        2 * band_limit(x, (4, 5), mode) - 3 * band_limit(y, (4, 5), mode),
    )


@pytest.mark.parametrize("mode", MODES)
def test_the_samples_lie_in_the_middle_of_their_cells(mode):
    """A slow wave looks the same on both grids: none is shifted against another."""

    def wave(n):
        return torch.sin(2 * torch.pi * (torch.arange(n).double() + 0.5) / n)

    x = (wave(64)[:, None] + wave(60))[None, None]
    expected = (wave(32)[:, None] + wave(20))[None, None]
    torch.testing.assert_close(
        band_limit(x, (32, 20), mode), expected, atol=0.01, rtol=0
    )


def test_a_frequency_above_the_grids_vanishes_or_folds():
    x = torch.cos(2 * torch.pi * 4 * torch.arange(9).double() / 9).expand(1, 1, 9, 9)
    assert band_limit(x, (5, 5), "fourier").abs().max() < 1e-12
    assert band_limit(x, (5, 5), "bilinear", align_corners=True).std() > 0.1


def test_every_second_sample_with_aligned_corners():
    x = maps((9, 9))
    torch.testing.assert_close(
        band_limit(x, (5, 5), align_corners=True), x[..., ::2, ::2]
    )


def test_a_cyclic_shift_by_whole_samples_commutes():
    x = maps((9, 6))
    torch.testing.assert_close(
        band_limit(x.roll((3, 2), (2, 3)), (3, 3), "fourier"),
        band_limit(x, (3, 3), "fourier").roll((1, 1), (2, 3)),
    )


@pytest.mark.parametrize("mode", MODES)
def test_gradients(mode):
    x = torch.randn(1, 1, 5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: band_limit(x, (3, 3), mode), x)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("mode", MODES)
def test_dtypes(mode, dtype):
    x = maps((9, 8))
    small = band_limit(x.to(dtype), (5, 4), mode)
    assert small.dtype == dtype
    torch.testing.assert_close(
        small.double(), band_limit(x, (5, 4), mode), rtol=0, atol=0.05
    )


def test_what_does_not_fit_is_named():
    x = maps((9, 8))
    with pytest.raises(ValueError, match=r"\(10, 4\) is empty or larger .* \(9, 8\)"):
        band_limit(x, (10, 4))
    with pytest.raises(ValueError, match="is empty or larger"):
        band_limit(x, (0, 4))
    with pytest.raises(ValueError, match="expected mode among"):
        band_limit(x, (4, 4), "nearest")
    with pytest.raises(ValueError, match="align_corners is for mode='bilinear'"):
        band_limit(x, (4, 4), "area", align_corners=True)
    with pytest.raises(ValueError, match=r"expected maps \(N, C, H, W\)"):
        band_limit(x[0], (4, 4))
    with pytest.raises(ValueError, match="empty"):
        fourier_resample(x, (0, 4))
    with pytest.raises(ValueError, match="at least 0"):
        low_pass(x, -1)


def test_area_is_pytorchs():
    x = maps((9, 8))
    assert torch.equal(band_limit(x, (4, 5), "area"), F.adaptive_avg_pool2d(x, (4, 5)))


def test_autocast_changes_nothing():
    torch.manual_seed(0)
    x = torch.randn(1, 2, 9, 12)
    with torch.autocast("cpu", torch.bfloat16):
        found = low_pass(x, 2)
    assert torch.equal(found, low_pass(x, 2))
