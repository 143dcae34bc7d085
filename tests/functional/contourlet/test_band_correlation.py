import itertools

import pytest
import torch
import torch.nn.functional as F
from compile_check import check_compiled

from texture_kd.functional import band_correlation, contourlet
from texture_kd.functional.contourlet.band_correlation import (
    ContourletOptions,
    frequency_weights,
)

LEVELS = (3, 2)


def moments(x, y, levels=LEVELS):
    """Products of all bands, channel by channel, over images and positions."""
    bands = [
        [s for level in contourlet(z, levels).directional for s in level.stacks]
        for z in (x, y)
    ]
    pairs = zip(*bands, strict=True)
    return torch.cat([(a * b).mean((0, 3, 4)) for a, b in pairs], dim=1)


def by_the_filter_bank(x, y, steps=4):
    """The correlations from the bands themselves, over all shifts."""
    shifts = list(itertools.product(range(steps), repeat=2))

    def averaged(a, b):
        rolled = [moments(a.roll(s, (2, 3)), b.roll(s, (2, 3))) for s in shifts]
        return torch.stack(rolled).mean(0)

    return averaged(x, y) / (averaged(x, x) * averaged(y, y)).sqrt()


def pair(*shape, dtype=torch.float64, seed=0):
    torch.manual_seed(seed)
    teacher = torch.randn(shape, dtype=dtype)
    return teacher + torch.randn(shape, dtype=dtype), teacher


def padding(*shape, rows=3, columns=5):
    valid = torch.ones(shape, dtype=torch.bool)
    valid[0, ..., -rows:, :] = False
    valid[-1, ..., -columns:] = False
    return valid


@pytest.mark.parametrize("shape", [(2, 3, 16, 24), (1, 1, 8, 8)])
def test_is_that_of_the_bands_over_all_shifts(shape):
    s, t = pair(*shape)
    found = band_correlation(s, t, LEVELS)
    torch.testing.assert_close(found, by_the_filter_bank(s, t), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("size", [(13, 21), (45, 49), (5, 65)])
def test_odd_sides_are_padded_as_the_contourlet_pads_them(size):
    s, t = pair(2, 2, *size)
    missing = (0, -size[1] % 4, 0, -size[0] % 4)
    padded = (F.pad(x, missing, mode="replicate") for x in (s, t))
    torch.testing.assert_close(
        band_correlation(s, t, LEVELS), band_correlation(*padded, LEVELS)
    )


def test_is_free_of_scale_and_mean_and_of_the_sign_of_both():
    s, t = pair(2, 3, 16, 16)
    rho = band_correlation(s, t)
    assert rho.abs().max() <= 1
    scales = torch.tensor([1e-3, 5.0, 1e4], dtype=torch.float64)[:, None, None]
    torch.testing.assert_close(band_correlation(scales * s + 0.1, t / 7 - 0.2), rho)
    torch.testing.assert_close(band_correlation(-s, t), -rho)
    torch.testing.assert_close(band_correlation(t, t), torch.ones_like(rho))


def test_does_not_depend_on_where_an_image_begins():
    s, t = pair(1, 2, 16, 24)
    rolled = band_correlation(s.roll((3, 5), (2, 3)), t.roll((3, 5), (2, 3)))
    torch.testing.assert_close(rolled, band_correlation(s, t))


@pytest.mark.parametrize("value", [0.0, 5.0, -1e3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_constant_correlates_with_nothing(value, dtype):
    s, t = pair(1, 2, 16, 16, dtype=dtype)
    t[:, 1] = value
    s.requires_grad_()
    for a, b in ((s, t), (t, s)):
        rho = band_correlation(a, b)
        assert rho[1].abs().max() < 1e-2
        (gradient,) = torch.autograd.grad(rho.sum(), s)
        assert gradient.isfinite().all()
        assert gradient[:, 1].norm() <= 10 * gradient[:, 0].norm()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    s, t = (x.to(dtype) for x in pair(2, 3, 16, 24))
    found = band_correlation(s, t)
    assert found.dtype == torch.float32
    assert torch.equal(found, band_correlation(s.float(), t.float()))
    exact = band_correlation(*pair(2, 3, 16, 24))
    assert (found - exact).abs().max() < 1e-2


def test_autocast_changes_nothing():
    s, t = (x.float() for x in pair(2, 3, 16, 24))
    with torch.autocast("cpu", torch.bfloat16):
        found = band_correlation(s, t)
    assert torch.equal(found, band_correlation(s, t))


def test_a_graph_may_overwrite_the_weights_it_gets():
    # Inductor writes results into what an operator has returned.
    x, options = torch.zeros(1, 1, 32, 48), ContourletOptions(LEVELS)
    kept = frequency_weights(x, options).clone()
    torch.ops.texture_kd.frequency_weights(x, *options).zero_()
    assert torch.equal(frequency_weights(x, options), kept)


@pytest.mark.parametrize("valid", [None, padding(2, 8, 12)])
def test_gradients_of_both_orders(valid):
    s, t = pair(2, 1, 8, 12)
    inputs = s.requires_grad_(), t.requires_grad_()

    def correlation(s, t):
        return band_correlation(s, t, (2, 1), valid=valid)

    assert torch.autograd.gradcheck(correlation, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(correlation, inputs, fast_mode=True)


def test_compiles_without_graph_breaks():
    check_compiled(
        lambda x: band_correlation(x, x.flip(1), LEVELS),
        ((2, 3, 29, 40), (4, 5, 31, 17)),
    )


def test_inference_mode_leaves_no_trace_in_training():
    # A size no other test uses, so that inference mode fills the cache.
    s, t = pair(1, 1, 56, 40)
    with torch.inference_mode():
        band_correlation(s, t)
    band_correlation(s.requires_grad_(), t).sum().backward()
    assert s.grad.isfinite().all()


def test_padding_has_no_influence_and_no_gradient():
    s, t = pair(2, 3, 19, 24)
    valid = padding(2, 1, 19, 24)
    rho = band_correlation(s, t, valid=valid)
    spoilt = [torch.where(valid, x, torch.inf) for x in (s, t)]
    assert torch.equal(band_correlation(*spoilt, valid=valid), rho)
    s.requires_grad_()
    (gradient,) = torch.autograd.grad(
        rho_sum := band_correlation(s, t, valid=valid).sum(), s
    )
    assert rho_sum.isfinite()
    assert torch.equal(
        gradient[(~valid).expand_as(s)], gradient.new_zeros(3 * (3 * 24 + 5 * 19))
    )


def test_a_valid_mask_of_everything_changes_nothing():
    s, t = pair(2, 3, 16, 24)
    everything = torch.ones(2, 16, 24, dtype=torch.bool)
    torch.testing.assert_close(
        band_correlation(s, t, valid=everything), band_correlation(s, t)
    )


def test_a_padded_image_is_compared_up_to_the_edge_of_the_window():
    # Noise, so that the window's edge changes little of a large image.
    s, t = pair(1, 2, 64, 64)
    larger = [F.pad(x, (0, 32, 0, 32), value=100.0) for x in (s, t)]
    valid = F.pad(torch.ones(1, 64, 64, dtype=torch.bool), (0, 32, 0, 32))
    found = band_correlation(*larger, valid=valid)
    assert (found - band_correlation(s, t)).abs().max() < 0.1
    assert (band_correlation(*larger) - band_correlation(s, t)).abs().max() > 0.2


@pytest.mark.parametrize(
    ("s", "t", "message"),
    [
        ((1, 2, 8, 8), (1, 3, 8, 8), "one shape"),
        ((2, 8, 8), (2, 8, 8), r"\(N, C, H, W\)"),
    ],
)
def test_features_that_do_not_fit_are_refused(s, t, message):
    with pytest.raises(ValueError, match=message):
        band_correlation(torch.zeros(s), torch.zeros(t))


@pytest.mark.parametrize("side", [0, 1])
def test_integers_are_refused(side):
    features = [torch.zeros(1, 2, 8, 8), torch.zeros(1, 2, 8, 8)]
    features[side] = features[side].long()
    with pytest.raises(ValueError, match=r"floating point.*int64"):
        band_correlation(*features)
