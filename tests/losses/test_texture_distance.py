"""Distances beside a slow reference, region by region."""

import pytest
import torch
import torch.nn.functional as F
from histogram_reference import OPTIONS, self_similarity, statistics

from texture_kd.functional import HistogramOptions, cut_regions, regions_of
from texture_kd.functional.region_pixels import standardised as standardised_rows
from texture_kd.losses import DTIEMLoss
from texture_kd.losses import texture_distance as ours_is
from texture_kd.losses.texture_distance import Side


def smooth(seed, *shape):
    """Random maps (R, C, h, w) that vary slowly, of positive features."""
    torch.manual_seed(seed)
    coarse = torch.randn(*shape[:2], 4, 5, dtype=torch.float64)
    return F.interpolate(coarse, shape[2:], mode="bilinear", align_corners=True).exp()


def groups(seed):
    return [smooth(seed, 2, 5, 9, 11), smooth(seed + 10, 1, 5, 6, 8)]


def sides(students, teachers):
    """The regions of each side beside each other in a map."""
    return _side(students), _side(teachers)


def _side(groups):
    regions = [x for group in groups for x in group]
    height = max(x.shape[1] for x in regions)
    boxes, left = [], 0
    for x in regions:
        boxes.append([0, left, x.shape[1], left + x.shape[2]])
        left += x.shape[2]
    canvas = torch.cat([F.pad(x, (0, 0, 0, height - x.shape[1])) for x in regions], 2)
    found = regions_of(torch.tensor([boxes]), (height, left))
    return Side(cut_regions(canvas[None], found), found)


def histogram_distance(students, teachers, options, reduction):
    student, teacher = sides(students, teachers)
    return ours_is.histogram_distance(student, teacher, options, reduction)


def learnt_distance(students, teachers, reduction):
    student, teacher = sides(students, teachers)
    target = Side(standardised_rows(*teacher), teacher.regions)
    return ours_is.learnt_distance(student, target, reduction)


def distances(student, teacher, options):
    """Squares of nodes (2,) and of pixels of one region of each network."""
    described = []
    for x in (student, teacher):
        s, level, _, denoised, _ = statistics(self_similarity(x), **options)
        share = denoised / denoised.sum()
        described.append((torch.stack([level, len(level) * share]), s))
    (s_nodes, s_map), (t_nodes, t_map) = described
    nodes = (s_nodes - t_nodes).square().mean(1)
    return nodes, (s_map - t_map).square().mean()


def expected(students, teachers, options):
    """Means over the regions of both parts, the nodes' for level and share."""
    pairs = [
        distances(s, t, options)
        for student, teacher in zip(students, teachers, strict=True)
        for s, t in zip(student, teacher, strict=True)
    ]
    nodes, pixels = zip(*pairs, strict=True)
    return torch.stack(nodes).mean(0), torch.stack(pixels).mean()


@pytest.mark.parametrize("reduction", ["mean", "sum_channels"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_histograms_are_compared_with_each_option(options, reduction):
    students, teachers = groups(0), groups(1)
    ours = histogram_distance(
        students, teachers, HistogramOptions(**options), reduction
    )
    nodes, pixels = expected(students, teachers, options)
    nodes = nodes.mean() if reduction == "mean" else nodes.sum()
    torch.testing.assert_close(ours, nodes + pixels)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_loss_passes_each_option_on(options):
    student, teacher = smooth(0, 2, 5, 9, 11), smooth(1, 2, 5, 9, 11)
    loss = DTIEMLoss(5, 5, "histogram", "global", extractor="none", histogram=options)
    ours = loss(*student.split([2, 3], 1), *teacher.split([2, 3], 1))
    nodes, pixels = expected([student], [teacher], options)
    torch.testing.assert_close(ours, nodes.mean() + pixels)
    if options:
        nodes, pixels = expected([student], [teacher], {})
        assert not torch.allclose(ours, nodes.mean() + pixels, rtol=1e-4)


def gradients(seed, size, options):
    """The student's gradient of both parts together, and of each of them."""
    student = smooth(seed, 2, 5, *size).requires_grad_()
    teacher = smooth(seed + 1, 2, 5, *size)
    nodes, pixels = expected([student], [teacher], options)
    parts = [
        torch.autograd.grad(part, student, retain_graph=True)[0]
        for part in (nodes.mean(), pixels)
    ]
    ours = histogram_distance([student], [teacher], HistogramOptions(**options), "mean")
    return torch.autograd.grad(ours, student)[0], *parts


@pytest.mark.parametrize("options", [{}, dict(theta=1.0), dict(kernel="triangle")])
@pytest.mark.parametrize("size", [(9, 11), (24, 32)])
def test_levels_and_shares_teach_the_student_beside_the_intensities(size, options):
    for seed in range(0, 10, 2):
        ours, nodes, pixels = gradients(seed, size, options)
        torch.testing.assert_close(ours, nodes + pixels)
        assert (ours - pixels).norm() > 0.01 * pixels.norm()


def test_a_student_on_a_finer_grid_is_brought_to_the_teachers():
    teacher, student = smooth(0, 2, 5, 6, 8), smooth(1, 2, 5, 12, 16)
    ours = histogram_distance([student], [teacher], HistogramOptions(), "mean")
    parts = []
    for s, t in zip(student, teacher, strict=True):
        s, s_level, _, s_counts, _ = statistics(self_similarity(s))
        t, t_level, _, t_counts, _ = statistics(self_similarity(t))
        level = (s_level - t_level).square().mean()
        shares = (50 * (s_counts / s_counts.sum() - t_counts / t_counts.sum())).square()
        # Half as large, bilinear is the mean of four pixels.
        s_map = F.avg_pool2d(s.view(1, 1, 12, 16), 2)
        pixels = (s_map - t.view(1, 1, 6, 8)).square().mean()
        parts.append((level + shares.mean()) / 2 + pixels)
    torch.testing.assert_close(ours, torch.stack(parts).mean())


# Learnt texture. -------------------------------------------------------------------


def standardised(x):
    """A region (D, h, w)."""
    deviation = x - x.mean((1, 2), keepdim=True)
    return deviation / (deviation.square().mean((1, 2), keepdim=True) + 1e-5).sqrt()


@pytest.mark.parametrize("reduction", ["mean", "sum_channels"])
def test_regions_of_all_sizes_weigh_alike(reduction):
    students, teachers = groups(0), groups(1)
    squares = torch.stack(
        [
            (standardised(a) - standardised(b)).square().mean((1, 2))
            for s, t in zip(students, teachers, strict=True)
            for a, b in zip(s, t, strict=True)
        ]
    )
    assert squares.shape == (3, 5)
    per_region = squares.mean(1) if reduction == "mean" else squares.sum(1)
    ours = learnt_distance(students, teachers, reduction)
    torch.testing.assert_close(ours, per_region.mean())


def test_the_sum_of_the_channels_is_their_number_of_means():
    students, teachers = groups(0), groups(1)
    mean, total = (
        learnt_distance(students, teachers, reduction)
        for reduction in ("mean", "sum_channels")
    )
    torch.testing.assert_close(total, 5 * mean)


def test_learnt_texture_is_compared_on_the_teachers_grid():
    teacher, student = smooth(0, 1, 5, 6, 8), smooth(1, 1, 5, 12, 16)
    coarse = standardised(F.avg_pool2d(student, 2)[0])
    expected = (coarse - standardised(teacher[0])).square().mean()
    ours = learnt_distance([student], [teacher], "mean")
    torch.testing.assert_close(ours, expected)


def test_no_gradient_flows_into_the_teachers_texture():
    students, teachers = ([x.requires_grad_() for x in groups(seed)] for seed in (0, 1))
    learnt_distance(students, teachers, "mean").backward()
    assert all(x.grad is None for x in teachers)
    assert all(x.grad.norm() > 0 for x in students)


def test_the_scale_of_a_channel_does_not_count():
    students, teachers = groups(0), groups(1)
    scale = torch.tensor([1e2, -1e2, 1e3, 1e1, 1e2])[:, None, None]
    same = learnt_distance([x * scale + 3 for x in teachers], teachers, "mean")
    mirrored = learnt_distance([x * scale.abs() for x in teachers], teachers, "mean")
    # Only the mirrored channel differs, by twice its deviation.
    torch.testing.assert_close(same, same.new_tensor(4 / 5), rtol=1e-2, atol=0)
    assert mirrored < 1e-3
    assert learnt_distance(students, teachers, "mean") > 0.1
