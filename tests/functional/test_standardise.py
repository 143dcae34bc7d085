import pytest
import torch

from texture_kd.functional import standardise


def area_of(images=2, size=(5, 7)):
    """Return the valid area of images that are padded below and on the right."""
    area = torch.ones(images, 1, *size, dtype=torch.bool)
    area[0, :, 3:] = area[-1, :, :, 4:] = False
    return area


def slow(x, area):
    """Follow the definition: channel by channel, band by band."""
    bands = x.unsqueeze(2) if x.ndim == 4 else x
    found = torch.zeros_like(bands)
    for channel in range(bands.shape[1]):
        for band in range(bands.shape[2]):
            values = bands[:, channel, band][area[:, 0]]
            unit = (values - values.mean()) / values.var(correction=0).sqrt()
            found[:, channel, band][area[:, 0]] = unit
    return found.reshape(x.shape)


@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("bands", [(), (3,)])
def test_equals_the_definition_on_the_valid_area(bands, images):
    x = 5 + 3 * torch.randn(images, 4, *bands, 5, 7, dtype=torch.float64)
    area = area_of(images)
    torch.testing.assert_close(standardise(x, area), slow(x, area))
    everything = torch.ones_like(area)
    torch.testing.assert_close(standardise(x), slow(x, everything))
    torch.testing.assert_close(standardise(x), standardise(x, everything))


@pytest.mark.parametrize("nothing", [torch.inf, torch.nan, 1e9])
def test_what_stands_outside_has_no_influence_and_no_gradient(nothing):
    x = torch.randn(2, 4, 3, 5, 7)
    area, weights = area_of(), torch.randn(x.shape)
    results = []
    for padding in (0.0, nothing):
        spoilt = torch.where(area[:, :, None], x, padding).requires_grad_()
        y = standardise(spoilt, area)
        (weights * y).sum().backward()
        results.append((y.detach(), spoilt.grad))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    outside = ~area[:, :, None].expand_as(x)
    assert not results[1][0][outside].any()
    assert not results[1][1][outside].any()


def test_neither_scale_nor_offset_of_a_channel_matters():
    x = torch.randn(2, 3, 5, 7, dtype=torch.float64)
    scale, offset = torch.rand(2, 1, 3, 1, 1, dtype=torch.float64) + 0.1
    found = standardise(scale * x + offset, area_of())
    torch.testing.assert_close(found, standardise(x, area_of()))


@pytest.mark.parametrize("area", [None, area_of()])
def test_empty_channels_are_not_blown_up(area):
    x = torch.randn(2, 4, 5, 7)
    # One far below the rest, one constant, one of zeros.
    x[:, 1] *= 1e-6
    x[:, 2], x[:, 3] = 7.0, 0.0
    y = standardise(x, area)
    rms = y.square().mean((0, 2, 3)).sqrt()
    assert rms[1] < 0.01
    assert not rms[2:].any()
    # Nothing is in all of them.
    assert standardise(1e-6 * x, area).abs().max() < 0.05


def test_details_have_a_level_each():
    x = torch.randn(2, 3, 2, 5, 7, dtype=torch.float64)
    x[:, :, 0] *= 1e4
    for band in range(2):
        torch.testing.assert_close(
            standardise(x, area_of())[:, :, band], standardise(x[:, :, band], area_of())
        )


def test_nothing_valid_gives_zeros_with_a_graph():
    x = torch.randn(2, 3, 5, 7, requires_grad=True)
    y = standardise(x, torch.zeros_like(area_of()))
    y.sum().backward()
    assert not y.any()
    assert not x.grad.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_is_computed_in_float32(dtype):
    torch.manual_seed(0)
    x = (100 + 30 * torch.randn(2, 3, 5, 7)).to(dtype)
    y = standardise(x, area_of())
    assert y.dtype == torch.float32
    wanted = standardise(x.double(), area_of()).float()
    torch.testing.assert_close(y, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("area", [None, area_of(size=(3, 4))])
@pytest.mark.parametrize("bands", [(), (2,)])
def test_gradcheck(bands, area):
    torch.manual_seed(0)
    x = torch.randn(2, 2, *bands, 3, 4, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(lambda x: standardise(x, area), x)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"bands \(N, C, B, H, W\), got shape \(3, 4"):
        standardise(torch.zeros(3, 4, 4))
    with pytest.raises(ValueError, match=r"an area \(2, 1, 4, 4\).*valid_area"):
        standardise(torch.zeros(2, 3, 4, 4), area_of())
