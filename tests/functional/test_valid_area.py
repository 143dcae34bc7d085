import pytest
import torch
import torch.nn.functional as F

from texture_kd.functional import valid_area, valid_mean, valid_only, valid_resize


@pytest.mark.parametrize("size", [(16, 24), (33, 17), (9, 31)])
@pytest.mark.parametrize("grid", [(4, 6), (5, 3), (1, 1), (16, 24)])
def test_a_cell_is_valid_where_all_of_its_pixels_are(size, grid):
    torch.manual_seed(0)
    valid = torch.rand(2, *size) > 0.02
    area = valid_area(valid, 2, grid)
    for n in range(2):
        for i in range(grid[0]):
            for j in range(grid[1]):
                rows = range(i * size[0] // grid[0], -(-(i + 1) * size[0] // grid[0]))
                columns = range(
                    j * size[1] // grid[1], -(-(j + 1) * size[1] // grid[1])
                )
                expected = all(bool(valid[n, r, c]) for r in rows for c in columns)
                assert bool(area[n, 0, i, j]) == expected


def test_none_is_everything():
    assert valid_area(None, 2, (3, 3)) is None
    x = torch.rand(2, 3, 4, 5)
    everything = torch.ones(2, 1, 4, 5, dtype=torch.bool)
    torch.testing.assert_close(valid_mean(x, None), valid_mean(x, everything))


def test_the_mean_is_over_valid_positions_whatever_stands_elsewhere():
    x = torch.rand(2, 3, 4, 5, requires_grad=True)
    area = torch.ones(2, 1, 4, 5, dtype=torch.bool)
    area[0, :, 2:] = False
    expected = torch.cat([x[0, :, :2].flatten(), x[1].flatten()]).mean()
    torch.testing.assert_close(valid_mean(x, area), expected)
    spoilt = torch.where(area, x, torch.inf)
    valid_mean(spoilt, area).backward()
    assert torch.equal(x.grad[0, :, 2:], torch.zeros(3, 2, 5))
    assert valid_mean(spoilt, torch.zeros_like(area)) == 0


@pytest.mark.parametrize("bands", [(), (3,)])
def test_outside_the_area_there_is_nothing(bands):
    area = torch.ones(2, 1, 4, 5, dtype=torch.bool)
    area[0, :, 2:] = False
    x = torch.full((2, 3, *bands, 4, 5), torch.inf, requires_grad=True)
    y = valid_only(x, area)
    y.sum().backward()
    inside = (area[:, :, None] if bands else area).expand_as(x)
    assert torch.equal(y, torch.where(inside, torch.inf, 0.0))
    assert torch.equal(x.grad, inside.float())
    assert valid_only(x, None) is x


def bilinear(x, grid):
    return F.interpolate(x, grid, mode="bilinear", align_corners=False)


@pytest.mark.parametrize("old", [(3, 4), (6, 8), (12, 16)])
def test_a_padded_map_is_resized_as_it_would_be_without_padding(old):
    x = torch.randn(2, 3, *old, dtype=torch.float64)
    valid = torch.ones(2, 48, 64, dtype=torch.bool)
    valid[:, 32:] = valid[:, :, 48:] = False
    part = x[:, :, : old[0] * 2 // 3, : old[1] * 3 // 4]
    resized = valid_resize(x, (6, 8), valid)
    torch.testing.assert_close(resized[:, :, :4, :6], bilinear(part, (4, 6)))
    assert not resized[:, :, 4:].any()
    assert not resized[..., 6:].any()


@pytest.mark.parametrize("old", [(3, 4), (5, 7), (6, 8), (13, 11)])
def test_what_is_resized_does_not_depend_on_what_is_not_valid(old):
    valid = torch.ones(2, 48, 64, dtype=torch.bool)
    valid[0, 29:] = valid[1, :, 41:] = False
    area = valid_area(valid, 2, old)
    x, weights = torch.randn(2, 3, *old), torch.rand(2, 3, 6, 8)
    results = []
    for padding in (0.0, torch.inf, torch.nan):
        spoilt = torch.where(area, x, padding).requires_grad_()
        y = valid_resize(spoilt, (6, 8), valid)
        (weights * y).sum().backward()
        results.append((y.detach(), spoilt.grad))
    for y, gradient in results[1:]:
        assert torch.equal(y, results[0][0])
        assert torch.equal(gradient, results[0][1])
    assert not results[0][1][~area.expand_as(x)].any()
    # A constant stays one.
    y = valid_resize(torch.ones_like(x), (6, 8), valid)
    inside = valid_area(valid, 2, (6, 8)).expand_as(y)
    torch.testing.assert_close(y, inside.float())


def test_without_padding_maps_are_resized_as_ever():
    x = torch.randn(2, 3, 5, 7)
    assert torch.equal(valid_resize(x, (6, 8), None), bilinear(x, (6, 8)))
    assert valid_resize(x, (5, 7), None) is x
    assert valid_resize(x.half(), (5, 7), None).dtype == torch.float32
    everything = torch.ones(2, 9, 9, dtype=torch.bool)
    torch.testing.assert_close(valid_resize(x, (6, 8), everything), bilinear(x, (6, 8)))


@pytest.mark.parametrize(
    ("valid", "message"),
    [
        (torch.ones(2, 4, 4), "boolean tensor, got torch.float32"),
        ([True], "boolean tensor, got list"),
        (torch.ones(3, 4, 4, dtype=torch.bool), "N = 2"),
        (torch.ones(2, 2, 4, 4, dtype=torch.bool), "N = 2"),
    ],
)
def test_what_is_no_area_is_named(valid, message):
    with pytest.raises(ValueError, match=message):
        valid_area(valid, 2, (2, 2))
