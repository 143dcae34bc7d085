"""Plain feature distillation: equal to its peers, and to the equation on any grid."""

import pytest
import torch
from mmrazor.models.losses import PKDLoss

from texture_kd.losses import FeatureKDLoss

OURS, THEIRS = (3, 5), (4, 2)


def features(grid=(9, 11), images=2, seed=0, channels=OURS):
    generator = torch.Generator().manual_seed(seed)
    return [
        3 + torch.randn(images, c, *grid, generator=generator, dtype=torch.float64)
        for c in channels
    ]


@pytest.fixture
def loss():
    torch.manual_seed(0)
    return FeatureKDLoss(OURS, THEIRS).double()


def aligned(loss, student):
    pairs = zip(loss.align, student, strict=True)
    return [torch.einsum("dc,nchw->ndhw", a.weight[..., 0, 0], x) for a, x in pairs]


def test_it_is_one_minus_the_correlation(loss):
    student, teacher = features(), features(seed=1, channels=THEIRS)
    expected = 0
    for ours, theirs in zip(aligned(loss, student), teacher, strict=True):
        rows = [
            torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]
            for a, b in zip(
                ours.mT.transpose(0, 1), theirs.mT.transpose(0, 1), strict=True
            )
        ]
        expected += 1 - torch.stack(rows).mean()
    torch.testing.assert_close(loss(student, teacher), expected)
    assert loss.parts.keys() == {"stage1", "stage2"}
    assert loss(student, [x.detach() for x in aligned(loss, student)]) < 1e-12
    # MMRazor's divides by an unbiased deviation.
    peer = PKDLoss()(tuple(aligned(loss, student)), tuple(teacher))
    torch.testing.assert_close(loss(student, teacher), peer, rtol=2e-2, atol=0)


def test_without_standardising_it_is_half_the_mean_square(loss):
    loss.standardise = False
    student, teacher = features(), features(seed=1, channels=THEIRS)
    pairs = zip(aligned(loss, student), teacher, strict=True)
    expected = sum((a - b).square().mean() / 2 for a, b in pairs)
    torch.testing.assert_close(loss(student, teacher), expected)


def test_scales_and_offsets_make_no_difference(loss):
    student, teacher = features(), features(seed=1, channels=THEIRS)
    expected = loss(student, teacher)
    torch.testing.assert_close(
        loss([100 * x for x in student], [7 * x - 2 for x in teacher]), expected
    )


@pytest.mark.parametrize("standardise", [True, False])
def test_padding_changes_nothing(loss, standardise):
    loss.standardise = standardise
    student, teacher = features(), features(seed=1, channels=THEIRS)
    valid = torch.ones(2, 9, 11, dtype=torch.bool)
    valid[:, :, 7:] = False
    inside = loss([x[..., :7] for x in student], [x[..., :7] for x in teacher])
    for x in (*student, *teacher):
        x[..., 7:] = torch.inf
    student = [x.requires_grad_() for x in student]
    found = loss(student, teacher, valid)
    torch.testing.assert_close(found, inside)
    for gradient in torch.autograd.grad(found, student):
        assert gradient[..., 7:].count_nonzero() == 0
        assert gradient[..., :7].isfinite().all()


def test_gradcheck_on_unequal_grids(loss):
    student = [x.requires_grad_() for x in features((4, 5), images=1)]
    teacher = features((3, 7), images=1, seed=1, channels=THEIRS)
    assert torch.autograd.gradcheck(lambda *x: loss(x, teacher), student)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_compared_in_float32(dtype):
    loss = FeatureKDLoss(OURS, THEIRS)
    student = [x.to(dtype) for x in features()]
    teacher = [x.to(dtype) for x in features(seed=1, channels=THEIRS)]
    exact = loss([x.float() for x in student], [x.float() for x in teacher])
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(student, teacher)
    assert found.dtype is torch.float32
    torch.testing.assert_close(found, exact)


def test_constants_have_finite_gradients(loss):
    student = [torch.ones_like(x).requires_grad_() for x in features()]
    teacher = [torch.ones_like(x) for x in features(channels=THEIRS)]
    for gradient in torch.autograd.grad(loss(student, teacher), student):
        assert gradient.isfinite().all()


def test_other_features_are_refused(loss):
    with pytest.raises(ValueError, match="expected 2 levels from the teacher, got 1"):
        loss(features(), features(channels=(4,)))
    with pytest.raises(ValueError, match="as many levels from both"):
        FeatureKDLoss((3,), (4, 5))
