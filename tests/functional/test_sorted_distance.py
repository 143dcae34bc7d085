"""Sorted values beside a loop over regions, and what makes them a distance."""

import math

import pytest
import torch
from torch import Tensor

from texture_kd.functional import regions_of, scale_regions, sorted_distance, whole_maps

BOXES = torch.tensor([[[0, 0, 4, 5], [1, 2, 3, 4]], [[2, 0, 7, 8], [6, 7, 7, 8]]])
SIZE = (7, 8)


def values(regions, seed=0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(regions.region), dtype=torch.float64, generator=generator)


def looped(s, t, regions, target_regions):
    """The mean of each region's, by ranks or quantiles one after another."""
    distances = []
    for region in range(len(regions.counts)):
        a = sorted(s[regions.region == region].tolist())
        b = sorted(t[target_regions.region == region].tolist())
        total = 0
        for rank, wanted in enumerate(b):
            place = (rank + 0.5) * len(a) / len(b) - 0.5
            place = min(max(place, 0), len(a) - 1)
            low = math.floor(place)
            high = min(low + 1, len(a) - 1)
            found = a[low] + (place - low) * (a[high] - a[low])
            total += (found - wanted) ** 2
        distances.append(total / len(b))
    return torch.tensor(distances, dtype=torch.float64).mean()


@pytest.mark.parametrize("size", [SIZE, (14, 16), (5, 3), (1, 1), (9, 31)])
def test_equals_a_loop_over_regions_and_ranks(size):
    target_regions = regions_of(BOXES, SIZE)
    regions = scale_regions(target_regions, size)
    s, t = values(regions), values(target_regions, 1)
    ours = sorted_distance(s, t, regions, target_regions)
    torch.testing.assert_close(ours, looped(s, t, regions, target_regions))


def test_no_pairing_of_the_values_is_closer():
    regions = whole_maps(torch.zeros(1, 1, 4, 5))
    s, t = values(regions), values(regions, 1)
    ours = sorted_distance(s, t, regions, regions)
    generator = torch.Generator().manual_seed(2)
    for _ in range(200):
        pairing = torch.randperm(20, generator=generator)
        assert (s - t[pairing]).square().mean() >= ours


def test_where_the_values_stand_makes_no_difference():
    regions = regions_of(BOXES, SIZE)
    s, t = values(regions), values(regions, 1)
    ours = sorted_distance(s, t, regions, regions)
    order = torch.randn(len(s), generator=torch.Generator().manual_seed(2))
    # Region by region, as the rows follow each other.
    mixed = s[(order.argsort()[regions.region[order.argsort()].argsort(stable=True)])]
    assert not torch.equal(mixed, s)
    torch.testing.assert_close(sorted_distance(mixed, t, regions, regions), ours)
    assert sorted_distance(mixed, s, regions, regions) == 0


def test_shift_and_scale_are_the_distance_that_they_make():
    regions = regions_of(BOXES, SIZE)
    t = values(regions)
    shifted = sorted_distance(t + 0.3, t, regions, regions)
    torch.testing.assert_close(shifted, t.new_tensor(0.09))
    # Twice as many of each value have the same distribution.
    finer = regions_of(torch.tensor([[[0, 0, 1, 40]]]), (1, 40))
    coarse = regions_of(torch.tensor([[[0, 0, 1, 20]]]), (1, 20))
    t = values(coarse)
    doubled = sorted_distance(t.repeat_interleave(2), t, finer, coarse)
    torch.testing.assert_close(doubled, t.new_tensor(0.0))


@pytest.mark.parametrize("size", [SIZE, (14, 16), (4, 5)])
def test_the_gradient_is_right_and_reaches_the_student_only(size):
    target_regions = regions_of(BOXES, SIZE)
    regions = scale_regions(target_regions, size)
    s = values(regions).requires_grad_()
    t = values(target_regions, 1).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda s: sorted_distance(s, t, regions, target_regions), s
    )
    sorted_distance(s, t, regions, target_regions).backward()
    assert t.grad is None
    assert s.grad.norm() > 0


def test_a_nan_is_not_hidden_and_stays_in_its_region():
    regions = regions_of(BOXES, SIZE)
    s, t = values(regions), values(regions, 1)
    # In the small region whose row is filled up.
    s[regions.region == 1] = torch.tensor([0, math.nan, 0, 0], dtype=torch.float64)
    assert sorted_distance(s, t, regions, regions).isnan()
    s = s.requires_grad_()
    sorted_distance(s, t, regions, regions).backward()
    assert s.grad[regions.region != 1].isfinite().all()


def test_regions_without_pixels_do_not_count():
    regions = regions_of(BOXES, SIZE)
    s, t = values(regions), values(regions, 1)
    kept = regions.region != 2
    counts = regions.counts * torch.tensor([1, 1, 0, 1])
    fewer = regions._replace(
        counts=counts,
        **{
            name: getattr(regions, name)[kept]
            for name in ("region", "place", "position")
        },
    )
    ours = sorted_distance(s[kept], t[kept], fewer, fewer)
    per_region = [
        (s[regions.region == r].sort().values - t[regions.region == r].sort().values)
        .square()
        .mean()
        for r in (0, 1, 3)
    ]
    torch.testing.assert_close(ours, torch.stack(per_region).mean())
    nothing = regions._replace(
        counts=torch.zeros_like(counts),
        region=counts[:0],
        place=counts[:0],
        position=counts[:0],
    )
    assert sorted_distance(s[:0], t[:0], nothing, nothing) == 0
    # A region that one side has nothing of is not compared.
    torch.testing.assert_close(sorted_distance(s[kept], t, fewer, regions), ours)


def test_constant_values_are_finite():
    regions = regions_of(BOXES, SIZE)
    s = torch.ones(len(regions.region), requires_grad=True)
    loss = sorted_distance(s, torch.zeros_like(s), regions, regions)
    loss.backward()
    assert loss == 1
    assert s.grad.isfinite().all()


@pytest.mark.parametrize(("s", "message"), [(3, "student's"), (None, "target's")])
def test_values_of_other_pixels_are_refused(s, message):
    regions = regions_of(BOXES, SIZE)
    given = values(regions)
    sides = (given[:3], given) if s else (given, given.long())
    with pytest.raises(ValueError, match=f"the {message} values"):
        sorted_distance(*sides, regions, regions)
