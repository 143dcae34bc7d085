import pytest
import torch
import torch.nn.functional as F
from mmrazor.registry import MODELS

import texture_kd.components  # noqa: F401
from texture_kd.functional import pairwise_affinity
from texture_kd.losses import PairwiseKDLoss


def test_is_built_by_the_registry_and_weighted():
    s, t = torch.randn(2, 1, 3, 4, 4)
    loss = MODELS.build(dict(type="PairwiseKDLoss", patch=1, loss_weight=3.0))
    torch.testing.assert_close(loss(s, t), 3 * PairwiseKDLoss(patch=1)(s, t))


def test_equals_the_mean_square_of_the_differences():
    s, t = torch.randn(2, 4, 5, 7).double(), torch.randn(2, 6, 5, 7).double()
    a, b = (pairwise_affinity(x, 2) for x in (s, t))
    expected = sum((a - b).square().flatten().tolist()) / a.numel()
    assert PairwiseKDLoss()(s, t).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [(4, 6), (16, 24), (7, 5)])
def test_the_student_is_brought_to_the_grid_of_the_teacher(size):
    s, t = torch.randn(2, 5, *size), torch.randn(2, 5, 8, 12)
    resized = F.interpolate(s, (8, 12), mode="bilinear", align_corners=False)
    torch.testing.assert_close(PairwiseKDLoss()(s, t), PairwiseKDLoss()(resized, t))


def test_gradient_flows_into_the_student_only():
    s, t = torch.randn(1, 3, 2, 2), torch.randn(1, 4, 4, 4)
    s.requires_grad_()
    t.requires_grad_()
    PairwiseKDLoss()(s, t).backward()
    assert s.grad.abs().sum() > 0
    assert t.grad is None


def test_equal_features_differ_by_nothing():
    s = torch.randn(1, 3, 4, 4)
    assert PairwiseKDLoss()(s, s) == 0


def test_different_numbers_of_images_are_refused():
    with pytest.raises(ValueError, match=r"as many images.*got 2 and 1"):
        PairwiseKDLoss()(torch.zeros(2, 3, 4, 4), torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize("wrong", [torch.zeros(1, 3, 4), torch.ones(1, 3, 4, 4).long()])
def test_what_is_no_feature_is_refused(wrong):
    feature = torch.zeros(1, 3, 8, 8)
    for side, pair in (("student", (wrong, feature)), ("teacher", (feature, wrong))):
        message = rf"feature \(N, C, H, W\) from the {side}, got torch\."
        with pytest.raises(ValueError, match=message):
            PairwiseKDLoss()(*pair)


def test_a_patch_has_a_position():
    with pytest.raises(ValueError, match="patch of at least 1 position, got 0"):
        PairwiseKDLoss(patch=0)
