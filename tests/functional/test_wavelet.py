import numpy as np
import pytest
import pywt
import torch
import torch.nn.functional as F
from compile_check import check_compiled
from hypothesis import given, settings
from hypothesis import strategies as st

from texture_kd.functional import haar_dwt, haar_idwt, high_frequency

SIZES = [(8, 12), (7, 12), (8, 5), (3, 9), (1, 1), (2, 1), (1, 6)]


@pytest.mark.parametrize("padding", ["zero", "replicate"])
@pytest.mark.parametrize("size", SIZES)
def test_equals_pywavelets(size, padding):
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    mode = {"zero": "zero", "replicate": "constant"}[padding]
    low, details = pywt.dwt2(x.numpy(), "haar", mode=mode)
    ours = haar_dwt(x, padding)
    for actual, expected in zip(
        (ours[0], *ours[1].unbind(2)), (low, *details), strict=True
    ):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_keeps_energy_with_zeros_behind_odd_sizes(size):
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    energy = sum(band.square().sum() for band in haar_dwt(x))
    torch.testing.assert_close(energy, x.square().sum(), rtol=1e-13, atol=0)


@pytest.mark.parametrize("padding", ["zero", "replicate"])
@pytest.mark.parametrize("size", SIZES)
def test_the_inverse_gives_the_features_back(size, padding):
    x = torch.randn(1, 3, *size, dtype=torch.float64)
    bands = haar_dwt(x, padding)
    torch.testing.assert_close(haar_idwt(*bands, size), x, rtol=0, atol=1e-14)
    if size[0] % 2 == size[1] % 2 == 0:
        assert haar_idwt(*bands).shape == x.shape


def test_two_losses_of_bands_are_four_of_features():
    s, t = torch.randn(2, 2, 3, 8, 6, dtype=torch.float64)
    (low, details), (other_low, other_details) = haar_dwt(s), haar_dwt(t)
    total = F.mse_loss(low, other_low) + 3 * F.mse_loss(details, other_details)
    torch.testing.assert_close(total, 4 * F.mse_loss(s, t), rtol=1e-13, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_keeps_the_dtype_and_its_range(dtype):
    x = torch.full((1, 1, 3, 4), 3e4).to(dtype)
    x[..., 1, 1] = -3e4
    low, details = haar_dwt(x)
    assert low.dtype == details.dtype == haar_idwt(low, details).dtype == dtype
    expected = haar_dwt(x.double())
    tolerance = dict(rtol=torch.finfo(dtype).eps, atol=0.0)
    torch.testing.assert_close(low.double(), expected[0], **tolerance)
    torch.testing.assert_close(details.double(), expected[1], **tolerance)
    torch.testing.assert_close(haar_idwt(low, details, (3, 4)), x)
    assert high_frequency(details, (3, 4), "magnitude").dtype == dtype


def test_a_constant_has_no_details_but_at_a_padded_edge():
    x = torch.full((1, 2, 5, 4), 3.0)
    low, details = haar_dwt(x, "replicate")
    assert torch.equal(details, torch.zeros_like(details))
    assert torch.equal(low, torch.full_like(low, 6.0))
    _, details = haar_dwt(x, "zero")
    assert not details[..., :2, :].any()
    assert details[..., 2, :].any()


def test_the_summed_details_are_one_difference():
    x = torch.randn(1, 2, 6, 8, dtype=torch.float64)
    low, details = haar_dwt(x)
    torch.testing.assert_close(details.sum(2), 2 * x[..., ::2, ::2] - low)


def test_maps_of_details_equal_their_definitions():
    x = torch.randn(2, 3, 7, 10, dtype=torch.float64)
    _, details = haar_dwt(x)

    def resized(x):
        return F.interpolate(x, (7, 10), mode="bilinear", align_corners=False)

    lh, hl, hh = details.unbind(2)
    maps = {mode: high_frequency(details, (7, 10), mode) for mode in MODES}
    torch.testing.assert_close(maps["sum"], resized(lh + hl + hh))
    magnitude = (lh**2 + hl**2 + hh**2).sqrt()
    torch.testing.assert_close(maps["magnitude"], resized(magnitude))
    assert maps["concat"].shape == (2, 9, 7, 10)
    for band in range(3):
        expected = resized(details[:, :, band])
        torch.testing.assert_close(maps["concat"][:, band::3], expected)


MODES = ["sum", "magnitude", "concat"]


def test_a_pattern_whose_bands_cancel_is_seen_by_two_of_three_modes():
    # LH = 1, HL = -1, HH = 0 in every block.
    x = torch.tensor([[0.0, 1.0], [-1.0, 0.0]]).repeat(3, 3)[None, None]
    _, details = haar_dwt(x)
    assert not high_frequency(details, (6, 6), "sum").any()
    assert high_frequency(details, (6, 6), "magnitude").all()
    assert high_frequency(details, (6, 6), "concat").any()


@pytest.mark.parametrize("mode", MODES)
def test_gradcheck(mode):
    torch.manual_seed(0)
    x = torch.randn(1, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    for padding in ("zero", "replicate"):
        torch.autograd.gradcheck(lambda x, p=padding: haar_dwt(x, p), x)
    torch.autograd.gradcheck(lambda x: haar_idwt(*haar_dwt(x), (5, 4)), x)
    torch.autograd.gradcheck(lambda x: high_frequency(haar_dwt(x)[1], (5, 4), mode), x)


def test_a_magnitude_of_zero_has_the_gradient_zero():
    x = torch.ones(1, 1, 4, 4, requires_grad=True)
    high_frequency(haar_dwt(x)[1], (4, 4), "magnitude").sum().backward()
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_compiles_without_graph_breaks():
    def round_trip(x):
        low, details = haar_dwt(x)
        again = haar_idwt(low, details, tuple(x.shape[-2:]))
        return again + high_frequency(details, tuple(x.shape[-2:]), "magnitude")

    check_compiled(round_trip, ((2, 3, 29, 40), (4, 5, 31, 17)))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 2), st.integers(1, 3))
def test_any_size_comes_back_with_its_energy(height, width, images, channels):
    x = torch.randn(images, channels, height, width, dtype=torch.float64)
    low, details = haar_dwt(x)
    assert low.shape == (images, channels, -(-height // 2), -(-width // 2))
    torch.testing.assert_close(haar_idwt(low, details, (height, width)), x)
    energy = low.square().sum() + details.square().sum()
    torch.testing.assert_close(energy, x.square().sum())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: haar_dwt(torch.zeros(3, 4, 4)), r"\(N, C, H, W\).*\(3, 4, 4\)"),
        (lambda: haar_dwt(torch.zeros(1, 1, 4, 4, dtype=int)), "torch.int64"),
        (lambda: haar_dwt(torch.zeros(1, 1, 0, 4)), "non-empty"),
        (lambda: haar_dwt(torch.zeros(1, 1, 4, 4), "reflect"), "'reflect'"),
        (
            lambda: haar_idwt(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2, 2)),
            r"\(1, 1, 2, 2, 2\)",
        ),
        (
            lambda: haar_idwt(
                torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 3, 2, 2), (4, 2)
            ),
            r"not to \(4, 2\)",
        ),
        (
            lambda: haar_idwt(
                torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 3, 2, 2), (4, 4, 4)
            ),
            r"not to \(4, 4, 4\)",
        ),
        (lambda: high_frequency(torch.zeros(1, 3, 2, 2), (4, 4)), r"\(1, 3, 2, 2\)"),
        (
            lambda: high_frequency(torch.zeros(1, 1, 3, 2, 2), (4, 4), "max"),
            "mode among",
        ),
    ],
)
def test_wrong_inputs_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
