import pytest
import torch
import torch.nn.functional as F

from texture_kd.functional import shared_area, valid_resize


def padded(x, right, below, value=0.0):
    return F.pad(x, (0, right, 0, below), value=value)


def resized(x, grid, align_corners=False):
    return F.interpolate(x, grid, mode="bilinear", align_corners=align_corners)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("grid", [(5, 4), (10, 8), (7, 3), (3, 9)])
def test_with_nothing_padded_it_is_interpolation(grid, align_corners):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, 4)
    everything = torch.ones(2, 5, 4, dtype=torch.bool)
    expected = resized(x, grid, align_corners)
    assert torch.equal(valid_resize(x, grid, None, align_corners), expected)
    found = valid_resize(x, grid, everything, align_corners)
    torch.testing.assert_close(found, expected)
    assert shared_area(None, 2, (5, 4), grid, align_corners) is None
    assert shared_area(everything, 2, (5, 4), grid, align_corners).all()


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("value", [torch.inf, torch.nan, 1e6])
def test_a_padded_image_is_resized_as_it_is_without_padding(factor, value):
    torch.manual_seed(0)
    x = torch.randn(1, 3, 5, 4, dtype=torch.float64)
    valid = padded(torch.ones(1, 1, 5, 4), 3, 2) > 0
    grid = (7 * factor, 7 * factor)
    inner = (5 * factor, 4 * factor)
    y = padded(x, 3, 2, value).requires_grad_()
    found = valid_resize(y, grid, valid)
    area = shared_area(valid, 1, (7, 7), grid)
    assert torch.equal(
        area[0, 0], padded(torch.ones(inner), *(3 * factor, 2 * factor)) > 0
    )
    inside = found[:, :, : inner[0], : inner[1]]
    torch.testing.assert_close(inside, resized(x, inner))
    found.sum().backward()
    assert y.grad.isfinite().all()
    assert not y.grad[:, :, 5:].any()
    assert not y.grad[..., 4:].any()


def test_what_has_nothing_valid_to_be_made_of_cannot_be_compared():
    # The second of four columns shows the image in 7 of its 8 pixels.
    valid = torch.ones(1, 8, 32, dtype=torch.bool)
    valid[..., 15:] = False
    found = valid_resize(torch.ones(1, 1, 2, 4), (8, 32), valid)
    # Bilinear weights of the first column reach 12 pixels.
    expected = torch.ones(1, 1, 8, 32)
    expected[..., 12:] = 0
    assert torch.equal(found, expected)
    area = shared_area(valid, 1, (2, 4), (8, 32))
    assert torch.equal(area, expected > 0)


def test_maps_on_the_grid_are_0_outside():
    x = torch.full((2, 3, 4, 4), torch.inf)
    valid = torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    assert torch.equal(valid_resize(x, (4, 4), valid), torch.zeros(2, 3, 4, 4))
    assert torch.equal(valid_resize(x, (8, 8), valid), torch.zeros(2, 3, 8, 8))
    assert torch.equal(shared_area(valid, 2, (4, 4), (4, 4)), valid)


def test_gradcheck():
    torch.manual_seed(0)
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    valid = padded(torch.ones(1, 2, 3), 1, 1) > 0
    torch.autograd.gradcheck(lambda x: valid_resize(x, (5, 6), valid), x)
