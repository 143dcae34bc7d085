"""What is computed of regions' pixels is that of each region by itself."""

import functools

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from texture_kd.functional import (
    HistogramOptions,
    cosine_self_similarity,
    cut_regions,
    map_self_similarity,
    region_means,
    region_self_similarity,
    regions_of,
    sample_regions,
    scale_regions,
    side_by_side,
    texture_histogram,
    whole_maps,
    within,
)
from texture_kd.functional.region_pixels import of_regions, on_grid, slots, standardised

SIZE = (9, 11)
BOXES = torch.tensor(
    [
        [[0, 0, 3, 5], [6, 6, 9, 11], [2, 1, 5, 6]],
        [[2, 2, 5, 7], [0, 1, 4, 9], [8, 10, 9, 11]],
    ]
)
REGIONS = regions_of(BOXES, SIZE)


def slices(x):
    """Cut (C, h, w) out of (B, C, H, W), region by region."""
    return [
        x[i, :, y0:y1, x0:x1]
        for i, boxes in enumerate(BOXES.tolist())
        for y0, x0, y1, x1 in boxes
    ]


def as_rows(regions):
    return torch.cat([x.flatten(1).mT for x in regions])


def maps(channels=4, dtype=torch.float64):
    torch.manual_seed(0)
    return torch.randn(2, channels, *SIZE, dtype=dtype)


@pytest.mark.parametrize("channels_last", [False, True])
def test_regions_are_cut_like_slices(channels_last):
    x = maps(dtype=torch.float32)
    if channels_last:
        x = x.to(memory_format=torch.channels_last)
    x.requires_grad_()
    rows, expected = cut_regions(x, REGIONS), as_rows(slices(x))
    assert torch.equal(rows, expected)
    weights = torch.randn_like(rows)
    # Where regions overlap the gradients are added.
    torch.testing.assert_close(
        torch.autograd.grad(rows, x, weights), torch.autograd.grad(expected, x, weights)
    )


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool])
def test_regions_of_labels_are_cut_exactly(dtype):
    labels = torch.randint(0, 200, (2, 1, *SIZE)).to(dtype)
    rows = cut_regions(labels, REGIONS)
    assert rows.dtype == dtype
    assert torch.equal(rows, as_rows(slices(labels)))


def test_maps_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"\(B, C, 9, 11\).*\(2, 4, 11, 9\)"):
        cut_regions(maps().mT, REGIONS)


@pytest.mark.parametrize("function", [region_means, region_self_similarity])
def test_rows_of_other_regions_are_refused(function):
    rows = cut_regions(maps(), REGIONS)
    for wrong in (rows[1:], rows[:, 0], rows.long()):
        with pytest.raises(ValueError, match=r"rows \(93, C\) of the regions"):
            function(wrong, REGIONS)


def test_means_are_those_of_each_region():
    x = maps()
    means = region_means(cut_regions(x, REGIONS), REGIONS)
    expected = torch.stack([region.mean((1, 2)) for region in slices(x)])
    torch.testing.assert_close(means, expected)
    spread = of_regions(means, REGIONS)
    assert torch.equal(spread[:15], means[:1].expand(15, -1))


def test_each_channel_of_each_region_is_standardised():
    x = maps() * torch.tensor([0.1, 1, 10, 50])[:, None, None] + 7
    rows = standardised(cut_regions(x, REGIONS), REGIONS)
    expected = []
    for region in slices(x):
        deviation = region - region.mean((1, 2), keepdim=True)
        variance = deviation.square().mean((1, 2), keepdim=True)
        expected.append(deviation / (variance + 1e-5).sqrt())
    torch.testing.assert_close(rows, as_rows(expected))


@pytest.mark.parametrize("size", [(32, 32), (65, 129), (128, 256)])
def test_means_of_many_pixels_are_exact_in_single_precision(size):
    torch.manual_seed(0)
    x = torch.randn(2, 3, *size) + 3
    regions = whole_maps(x)
    means = region_means(cut_regions(x, regions), regions)
    torch.testing.assert_close(
        means.double(), x.double().mean((2, 3)), rtol=3e-6, atol=0
    )
    rows = standardised(cut_regions(x + 100, regions), regions)
    exact = standardised(cut_regions((x + 100).double(), regions), regions)
    torch.testing.assert_close(rows.double(), exact, rtol=0, atol=1e-4)
    constant = torch.randn(2, 3, 1, 1).expand_as(x)
    assert not standardised(cut_regions(constant, regions), regions).any()


def test_constant_channels_and_single_pixels_are_zero_with_finite_gradients():
    x = maps()
    x[0, 1] = 12.0
    x.requires_grad_()
    rows = standardised(cut_regions(x, REGIONS), REGIONS)
    first = REGIONS.region < 3
    assert not rows[first, 1].any()
    assert rows[first, 0].any()
    assert not rows[REGIONS.region == 5].any()
    (rows * torch.randn_like(rows)).sum().backward()
    assert x.grad.isfinite().all()


def test_regions_side_by_side():
    values = cut_regions(maps(1), REGIONS)[:, 0].requires_grad_()
    table = side_by_side(values, REGIONS)
    assert table.shape == (6, 32)
    regions = values.split(REGIONS.counts.tolist())
    for row, region in zip(table, regions, strict=True):
        assert torch.equal(row[: len(region)], region)
        assert (row[len(region) :] == region[0]).all()
    assert torch.equal(table.flatten()[slots(REGIONS)], values)
    (gradient,) = torch.autograd.grad(table.sum(), values)
    assert torch.equal(gradient, torch.ones_like(values))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("new_size", [(9, 11), (18, 22), (5, 7), (30, 4)])
def test_regions_are_resized_as_interpolation_does(new_size, dtype):
    target = scale_regions(REGIONS, new_size)
    x = maps(dtype=dtype).requires_grad_()
    rows = on_grid(cut_regions(x, REGIONS), REGIONS, target)
    sizes = (target.boxes[:, 2:] - target.boxes[:, :2]).tolist()
    expected = as_rows(
        F.interpolate(region[None], size, mode="bilinear", align_corners=False)[0]
        for region, size in zip(slices(x), sizes, strict=True)
    )
    torch.testing.assert_close(rows, expected)
    weights = torch.randn_like(rows)
    torch.testing.assert_close(
        torch.autograd.grad(rows, x, weights), torch.autograd.grad(expected, x, weights)
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 9))
def test_similarities_and_gradients_are_those_of_each_region(seed, images, channels):
    torch.manual_seed(seed)
    x = torch.randn(images, channels, 12, 15, dtype=torch.float64).requires_grad_()
    boxes = sample_regions(torch.rand(images, 12, 15))
    regions = regions_of(boxes, (12, 15))
    found = region_self_similarity(cut_regions(x, regions), regions)
    expected = torch.cat(
        [
            cosine_self_similarity(x[i : i + 1, :, y0:y1, x0:x1]).flatten()
            for i in range(images)
            for y0, x0, y1, x1 in boxes[i].tolist()
        ]
    )
    torch.testing.assert_close(found, expected)
    weights = torch.randn_like(found)
    torch.testing.assert_close(
        torch.autograd.grad(found, x, weights),
        torch.autograd.grad(expected, x, weights),
    )


def test_gradcheck_of_similarities():
    rows = cut_regions(maps(3), REGIONS).requires_grad_()

    def similarity(rows):
        return region_self_similarity(rows, REGIONS)

    assert torch.autograd.gradcheck(similarity, rows)
    assert torch.autograd.gradgradcheck(similarity, rows)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_similarities_have_float32_at_least(dtype):
    rows = cut_regions(maps(dtype=dtype), REGIONS)
    similarity = region_self_similarity(rows, REGIONS)
    assert similarity.dtype == torch.float32
    torch.testing.assert_close(
        similarity, region_self_similarity(rows.float(), REGIONS)
    )


def test_pixels_without_direction_are_like_nothing():
    x = maps().requires_grad_()
    with torch.no_grad():
        x[0, :, 0, 0] = 0
        x[1, :, :4, 1:9] = 0
    similarity = region_self_similarity(cut_regions(x, REGIONS), REGIONS)
    assert similarity[0] == 0
    assert not similarity[REGIONS.region == 4].any()
    similarity.sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize(
    "options",
    [
        dict(steps=2),
        dict(placement="uniform"),
        dict(kernel="triangle"),
        dict(literal=True),
    ],
    ids=str,
)
def test_histograms_of_regions_side_by_side_are_those_of_each(options):
    options = HistogramOptions(count=7, **options)
    x = maps()
    # A constant region beside others.
    x[1, :, :4, 1:9] = torch.arange(1, 5)[:, None, None]
    x.requires_grad_()
    similarity = region_self_similarity(cut_regions(x, REGIONS), REGIONS)
    rows = side_by_side(similarity, REGIONS)
    together = texture_histogram(rows, options, REGIONS.counts)
    alone = [
        texture_histogram(row[None], options)
        for row in similarity.split(REGIONS.counts.tolist())
    ]
    for name in ("raw_levels", "counts", "denoised", "nodes"):
        expected = torch.cat([getattr(histogram, name) for histogram in alone])
        torch.testing.assert_close(getattr(together, name), expected)
    weights = torch.randn_like(together.denoised)
    torch.testing.assert_close(
        torch.autograd.grad(together.denoised, x, weights, retain_graph=True),
        torch.autograd.grad(torch.cat([h.denoised for h in alone]), x, weights),
    )
    poisoned = rows.detach().clone()
    poisoned[2, 3] = torch.nan
    histogram = texture_histogram(poisoned, options, REGIONS.counts)
    assert histogram.denoised[2].isnan().all()
    others = [0, 1, 3, 4, 5]
    assert torch.equal(histogram.denoised[others], together.denoised[others])
    with pytest.raises(ValueError, match=r"pixels of 6 rows, got shape \(5,\)"):
        texture_histogram(rows, options, REGIONS.counts[1:])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 9))
def test_maps_have_the_similarities_and_gradients_of_their_rows(seed, images, channels):
    torch.manual_seed(seed)
    x = torch.randn(images, channels, 12, 15, dtype=torch.float64).requires_grad_()
    regions = regions_of(sample_regions(torch.rand(images, 12, 15)), (12, 15))
    regions = within(regions, torch.rand(images, 1, 12, 15) > 0.3)
    found = map_self_similarity(x, regions)
    expected = region_self_similarity(cut_regions(x, regions), regions)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    weights = torch.randn_like(found)
    found, expected = (torch.autograd.grad(s, x, weights)[0] for s in (found, expected))
    # A pixel's gradient is divided by its length, and so is the rounding in it.
    length = x.detach().norm(dim=1, keepdim=True).clamp(max=1)
    torch.testing.assert_close(found * length, expected * length, rtol=1e-9, atol=1e-11)


def test_similarities_of_maps_can_be_derived_twice():
    torch.manual_seed(0)
    x = torch.randn(1, 3, 4, 5, dtype=torch.float64).requires_grad_()
    regions = regions_of(torch.tensor([[[0, 0, 3, 4], [1, 2, 4, 5]]]), (4, 5))
    function = functools.partial(map_self_similarity, regions=regions)
    assert torch.autograd.gradcheck(function, x)
    assert torch.autograd.gradgradcheck(function, x)


def test_zeros_of_a_map_have_similarity_zero_and_no_gradient():
    x = torch.zeros(2, 3, 4, 5, requires_grad=True)
    similarity = map_self_similarity(x, whole_maps(x))
    similarity.sum().backward()
    assert torch.equal(similarity, torch.zeros(40))
    assert torch.equal(x.grad, torch.zeros_like(x))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_maps_of_low_precision_are_computed_in_single_precision(dtype):
    torch.manual_seed(0)
    x = torch.randn(2, 3, *SIZE).to(dtype)
    with torch.autocast("cpu", torch.bfloat16):
        found = map_self_similarity(x, REGIONS)
    assert torch.equal(found, map_self_similarity(x.float(), REGIONS))


def test_similarities_need_maps_of_the_regions_size():
    with pytest.raises(ValueError, match=r"expected floating point maps \(B, C, 9, 11"):
        map_self_similarity(torch.zeros(2, 3, 9, 10), REGIONS)
    with pytest.raises(ValueError, match=r"got torch\.int64"):
        map_self_similarity(torch.zeros(2, 3, *SIZE).long(), REGIONS)


@pytest.mark.parametrize("size", [(5, 7), (14, 20)])
def test_a_pixel_that_is_left_out_counts_as_the_mean_of_its_region(size):
    torch.manual_seed(0)
    x = torch.randn(2, 3, *SIZE, dtype=torch.float64)
    area = torch.rand(2, 1, *SIZE) > 0.3
    kept = within(REGIONS, area)
    target = within(scale_regions(REGIONS, size), torch.rand(2, 1, *size) > 0.2)
    rows = cut_regions(x, kept)
    # The same of whole regions, with the means put in.
    means = of_regions(region_means(rows, kept), REGIONS)
    inside = area.flatten()[REGIONS.position][:, None]
    filled = torch.where(inside, cut_regions(x, REGIONS), means)
    expected = on_grid(filled, REGIONS, target)
    torch.testing.assert_close(on_grid(rows, kept, target), expected)
    assert on_grid(rows, kept, kept) is rows
