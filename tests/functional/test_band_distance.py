import pytest
import torch
import torch.nn.functional as F

from texture_kd.functional import band_distance, haar_dwt


def features(size=(6, 8), images=2, dtype=torch.float64):
    return torch.randn(2, images, 3, *size, dtype=dtype)


def band_distances(student, teacher, *options, **more):
    """Compare both kinds of bands."""
    pairs = zip(student, teacher, strict=True)
    return tuple(band_distance(*pair, *options, **more) for pair in pairs)


def slow(student, teacher, shares, norm, valid=None):
    """Follow the definition: channel by channel, band by band."""
    if valid is None:
        valid = torch.ones_like(shares, dtype=torch.bool)
    shares = shares[valid]
    found = []
    for s, t in zip(student, teacher, strict=True):
        s, t = (x.unsqueeze(2) if x.ndim == 4 else x for x in (s, t))
        total = 0.0
        for channel in range(s.shape[1]):
            for band in range(s.shape[2]):
                a, b = s[:, channel, band][valid], t[:, channel, band][valid]
                if norm == "channel":
                    a, b = ((x - x.mean()) / x.var(correction=0).sqrt() for x in (a, b))
                total += ((a - b) ** 2 * (1 + shares)).mean()
        found.append(total / (s.shape[1] * s.shape[2]))
    return found


@pytest.mark.parametrize("norm", ["none", "channel"])
@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("size", [(6, 8), (5, 7)])
def test_equals_the_definition(size, images, norm):
    s, t = (haar_dwt(x) for x in features(size, images))
    shares = torch.rand(images, *s[0].shape[2:], dtype=torch.float64)
    found = band_distances(s, t, shares, norm)
    torch.testing.assert_close(list(found), slow(s, t, shares, norm))
    without = band_distances(s, t, norm=norm)
    nothing = band_distances(s, t, torch.zeros_like(shares), norm)
    torch.testing.assert_close(without, nothing)


@pytest.mark.parametrize("norm", ["none", "channel"])
@pytest.mark.parametrize("images", [1, 3])
def test_only_valid_positions_count(images, norm):
    s, t = (haar_dwt(x) for x in features((5, 7), images))
    shares = torch.rand(images, 3, 4, dtype=torch.float64)
    valid = torch.ones(images, 1, 3, 4, dtype=torch.bool)
    valid[0, :, 2:] = valid[-1, :, :, 3:] = False
    expected = slow(s, t, shares, norm, valid[:, 0])
    found = band_distances(s, t, shares, norm, valid)
    torch.testing.assert_close(list(found), expected)
    everything = torch.ones_like(valid)
    torch.testing.assert_close(
        band_distances(s, t, shares, norm, everything),
        band_distances(s, t, shares, norm),
    )
    nothing = torch.zeros_like(valid)
    assert band_distances(s, t, shares, norm, nothing) == (0, 0)


@pytest.mark.parametrize("norm", ["none", "channel"])
@pytest.mark.parametrize("bands", [(), (3,)])
def test_what_is_not_valid_has_no_influence_and_no_gradient(bands, norm):
    s, t = torch.randn(2, 2, 3, *bands, 3, 4)
    shares = torch.rand(2, 3, 4)
    valid = torch.ones(2, 1, 3, 4, dtype=torch.bool)
    valid[0, :, 2:] = False
    inside = valid[:, :, None] if bands else valid
    results = []
    for padding in (0.0, torch.inf, torch.nan):
        a, b = (torch.where(inside, x, padding) for x in (s, t))
        a.requires_grad_()
        loss = band_distance(a, b, shares, norm, valid)
        loss.backward()
        results.append((loss, a.grad))
    for loss, gradient in results[1:]:
        assert torch.equal(loss, results[0][0])
        assert torch.equal(gradient, results[0][1])
    assert not results[0][1][~inside.expand_as(s)].any()


def test_they_add_up_to_the_error_of_the_features():
    s, t = features()
    low, high = band_distances(haar_dwt(s), haar_dwt(t))
    torch.testing.assert_close(low + 3 * high, 4 * F.mse_loss(s, t), rtol=1e-13, atol=0)


def test_with_norms_neither_scale_nor_offset_of_a_channel_matters():
    s, t = features()
    scale, offset = torch.randn(2, 1, 3, 1, 1, dtype=torch.float64)
    expected = band_distances(haar_dwt(s), haar_dwt(t), norm="channel")
    found = band_distances(
        haar_dwt(scale.abs() * s + offset), haar_dwt(t), norm="channel"
    )
    torch.testing.assert_close(found, expected)
    # Of what is not related at all both are 2.
    torch.manual_seed(0)
    s, t = torch.randn(2, 4, 16, 32, 32)
    for distance in band_distances(haar_dwt(s), haar_dwt(9 * t), norm="channel"):
        torch.testing.assert_close(distance, torch.tensor(2.0), rtol=0.05, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_constants_and_low_precision_are_finite(dtype):
    s, t = features(dtype=dtype)
    for feature in (0 * s, torch.ones_like(s), 1e-6 * s, 1e4 * s):
        feature = feature.detach().requires_grad_()
        low, high = band_distances(haar_dwt(feature), haar_dwt(t), norm="channel")
        assert low.dtype == high.dtype == torch.float32
        (low + high).backward()
        assert (low + high).isfinite()
        assert feature.grad.isfinite().all()


def test_an_empty_channel_is_not_blown_up():
    s, t = features()
    s[:, 1] = 1e-9 * torch.randn_like(s[:, 1])
    t[:, 1] = 0
    s.requires_grad_()
    low, high = band_distances(haar_dwt(s), haar_dwt(t), norm="channel")
    (low + high).backward()
    assert s.grad[:, 1].abs().max() < 1e-3


@pytest.mark.parametrize("norm", ["none", "channel"])
def test_gradcheck(norm):
    torch.manual_seed(0)
    s, t = features((3, 4), 2)
    shares = torch.rand(2, 2, 2, dtype=torch.float64)
    torch.autograd.gradcheck(
        lambda s: band_distances(haar_dwt(s), haar_dwt(t), shares, norm),
        s.requires_grad_(),
    )


def test_wrong_inputs_are_named():
    s, t = (haar_dwt(x) for x in features())
    with pytest.raises(ValueError, match="norm among"):
        band_distances(s, t, norm="batch")
    with pytest.raises(ValueError, match=r"of one shape.*\(2, 2, 3, 4\)"):
        band_distances(s, haar_dwt(features()[0][:, :2]))
    with pytest.raises(ValueError, match=r"got \(2, 3, 4\)"):
        band_distance(s[0][:, 0], t[0][:, 0])
    with pytest.raises(ValueError, match=r"shares \(2, 3, 4\).*got shape \(2, 4, 3\)"):
        band_distances(s, t, torch.ones(2, 4, 3))
