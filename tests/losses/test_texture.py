import pytest
import torch
from fidelity import fidelity
from mmrazor.registry import MODELS
from torch import nn

import texture_kd.components  # noqa: F401
from texture_kd.functional import valid_area
from texture_kd.losses import CDMLoss, TextureLoss

OURS, THEIRS = (2, 3, 4), (3, 5, 4)
GRIDS = ((32, 48), (16, 24), (16, 24))


def stages(channels, grids=GRIDS, images=2, dtype=torch.float32):
    return tuple(
        torch.randn(images, c, *grid, dtype=dtype)
        for c, grid in zip(channels, grids, strict=True)
    )


def case(**options):
    torch.manual_seed(0)
    return TextureLoss(OURS, THEIRS, **options), stages(OURS), stages(THEIRS)


def test_is_the_sum_of_the_stages_own_losses():
    torch.manual_seed(0)
    loss = MODELS.build(
        dict(
            type="TextureLoss",
            student_channels=OURS,
            teacher_channels=THEIRS,
            levels=[3, 2],
            pyramid="9-7",
            directional="pkva",
            loss_weight=0.5,
        )
    )
    student, teacher = stages(OURS), stages(THEIRS)
    found = loss(student, teacher)
    values = []
    for i, stage in enumerate(loss.stages):
        of_stage = CDMLoss(OURS[i], THEIRS[i], (3, 2), "9-7", "pkva")
        of_stage.align = stage.align
        values.append(of_stage(student[i], teacher[i]))
    torch.testing.assert_close(found, 0.5 * sum(values))
    assert list(loss.parts) == ["stage1", "stage2", "stage3"]
    torch.testing.assert_close([*loss.parts.values()], values)
    assert not any(part.requires_grad for part in loss.parts.values())


def test_one_weight_serves_every_scale_of_either_network():
    loss, student, teacher = case()
    louder = [3e3 * x for x in student], [1e-2 * x for x in teacher]
    torch.testing.assert_close(loss(*louder), loss(student, teacher))


@pytest.mark.parametrize(
    ("grid", "levels"),
    [
        ((16, 64), (4, 3)),
        ((15, 64), (3, 2)),
        ((4, 4), (2, 1)),
        ((2, 9), (1,)),
    ],
)
def test_small_grids_get_the_depths_that_fit(grid, levels):
    torch.manual_seed(0)
    loss = TextureLoss([2], [2], (4, 3), loss_weight=1.0)
    of_stage = CDMLoss(2, 2, levels)
    of_stage.align = loss.stages[0].align
    student, teacher = stages([2], [grid]), stages([2], [grid])
    torch.testing.assert_close(loss(student, teacher), of_stage(student[0], teacher[0]))


def test_a_stage_without_extent_has_no_texture():
    torch.manual_seed(0)
    loss = TextureLoss((2, 2), (2, 2))
    grids = (8, 8), (1, 8)
    loss(stages((2, 2), grids), stages((2, 2), grids))
    assert list(loss.parts) == ["stage1"]
    with pytest.raises(ValueError, match=r"at least 2x2.*\(1, 8\)"):
        loss(stages((2, 2), [(1, 8)] * 2), stages((2, 2), [(1, 8)] * 2))


def test_every_alignment_has_a_gradient_without_extent_too():
    torch.manual_seed(0)
    loss = TextureLoss((2, 2), (2, 2))
    grids = (8, 8), (1, 1)
    found = loss(stages((2, 2), grids), stages((2, 2), grids))
    assert torch.equal(found.detach(), 2 * loss.parts["stage1"])
    found.backward()
    used, idle = (stage.align.weight.grad for stage in loss.stages)
    assert used.any()
    assert torch.equal(idle, torch.zeros_like(idle))


def test_gradient_flows_into_student_and_alignment_only():
    loss, student, teacher = case()
    for x in (*student, *teacher):
        x.requires_grad_()
    loss(student, teacher).backward()
    assert all(x.grad.abs().sum() > 0 for x in student)
    assert all(x.grad is None for x in teacher)
    assert all(p.grad.abs().sum() > 0 for p in loss.parameters())
    assert len([*loss.parameters()]) == 3


def test_padding_has_no_influence_and_no_gradient():
    loss, _, teacher = case()
    student = stages(OURS, ((32, 48), (16, 24), (9, 13)))
    valid = torch.ones(2, 64, 96, dtype=torch.bool)
    valid[1, 44:] = False

    def spoilt(features):
        areas = [valid_area(valid, 2, tuple(x.shape[2:])) for x in features]
        return [
            torch.where(a, x, torch.inf) for a, x in zip(areas, features, strict=True)
        ]

    for x in student:
        x.requires_grad_()
    found = loss(student, teacher, valid)
    assert torch.equal(loss(spoilt(student), spoilt(teacher), valid), found)
    found.backward()
    for x in student:
        area = valid_area(valid, 2, tuple(x.shape[2:]))
        assert torch.equal(x.grad.masked_fill(area, 0), torch.zeros_like(x))
    assert found != loss(student, teacher)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_features_are_compared_in_float32(dtype):
    loss, student, teacher = case()
    student, teacher = ([x.to(dtype) for x in xs] for xs in (student, teacher))
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(student, teacher)
    assert found.dtype == torch.float32
    whole = ([x.float() for x in xs] for xs in (student, teacher))
    assert torch.equal(found, loss(*whole))


def test_its_gradient_describes_it():
    loss, student, teacher = case()
    measured = fidelity(lambda *x: loss(x, teacher), student, (1e-4, 1e-3))
    assert all(0.9 < ratio < 1.1 for ratio in measured.ratios)
    assert measured.cosine > 0.99


def test_training_finds_a_student_that_is_a_mix_of_the_teacher():
    torch.manual_seed(0)
    loss = TextureLoss([2], [3], levels=(3,))
    student = torch.randn(2, 2, 16, 16)
    teacher = nn.Conv2d(2, 3, 1)(student).detach()
    optimiser = torch.optim.LBFGS(loss.parameters(), max_iter=60)

    def closure():
        optimiser.zero_grad()
        value = loss([student], [teacher])
        value.backward()
        return value

    optimiser.step(closure)
    assert loss([student], [teacher]).item() < 1e-5


@pytest.mark.parametrize(
    ("ours", "theirs", "options", "message"),
    [
        ((2, 3), (2,), {}, r"as many levels.*\(2, 3\) and teacher_channels=\(2,\)"),
        ((2, 0), (2, 3), {}, "student_channels as the channels"),
        (2, (2,), {}, "student_channels as the channels"),
        ((2,), (2,), {"levels": (0,)}, "at least 1, got 0"),
        ((2,), (2,), {"directional": "x"}, "got 'x'"),
    ],
)
def test_what_cannot_be_built_is_named(ours, theirs, options, message):
    with pytest.raises(ValueError, match=message):
        TextureLoss(ours, theirs, **options)


def test_features_that_do_not_fit_are_named():
    loss, student, teacher = case()
    with pytest.raises(ValueError, match=r"3 levels from the student, got 2"):
        loss(student[:2], teacher)
    with pytest.raises(ValueError, match=r"levels of the teacher as a tuple"):
        loss(student, teacher[0])
    with pytest.raises(ValueError, match=r"2 channels from the student's level 0"):
        loss((student[1], *student[1:]), teacher)
    with pytest.raises(ValueError, match="as many images"):
        loss([x[:1] for x in student], teacher)
