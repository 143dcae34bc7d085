import pytest
import torch
import torch.nn.functional as F
from mmrazor.registry import MODELS

import texture_kd.components  # noqa: F401
from texture_kd.losses import FAKDLoss


def test_equals_the_definition():
    s, t = torch.randn(2, 4, 3, 5), torch.randn(2, 6, 3, 5)
    loss = MODELS.build(dict(type="FAKDLoss", loss_weight=2.0))

    def affinity(f):
        f = f.flatten(2) / (f.flatten(2).norm(dim=1, keepdim=True) + 1e-8)
        return torch.einsum("nci,ncj->nij", f, f)

    expected = 2 * (affinity(s) - affinity(t)).abs().mean()
    torch.testing.assert_close(loss(s, t), expected)


@pytest.mark.parametrize(
    ("grid", "pool"), [((32, 32), 1), ((33, 32), 2), ((64, 128), 3), ((1, 1), 1)]
)
def test_pools_no_more_than_it_has_to(grid, pool):
    s, t = torch.randn(1, 2, *grid), torch.randn(1, 3, *grid)
    patches = [-(-side // pool) for side in grid]
    assert patches[0] * patches[1] <= 1024
    torch.testing.assert_close(FAKDLoss()(s, t), FAKDLoss(pool)(s, t))


def test_a_street_scene_takes_little_memory(load_tool):
    measure = load_tool("measure")
    s = torch.randn(1, 8, 64, 128, requires_grad=True)
    t = torch.randn(1, 16, 64, 128)
    peak = measure.peak_memory(lambda: FAKDLoss()(s, t).backward(), s.device)
    assert peak < 64 * 2**20
    # The test measures something: without pooling it takes two matrices of 256 MiB.
    assert peak > 2 * 900**2 * 4


def test_the_student_is_brought_to_the_grid_of_the_teacher():
    s, t = torch.randn(2, 4, 3, 5), torch.randn(2, 6, 6, 10)
    resized = F.interpolate(s, (6, 10), mode="bilinear", align_corners=False)
    torch.testing.assert_close(FAKDLoss()(s, t), FAKDLoss()(resized, t))


def test_gradient_flows_into_the_student_only():
    s, t = (torch.randn(1, 3, 4, 5).half().requires_grad_() for _ in range(2))
    loss = FAKDLoss()(s, t)
    loss.backward()
    assert loss.dtype == torch.float32
    assert s.grad.abs().sum() > 0
    assert t.grad is None


def test_features_of_zeros_are_finite():
    s = torch.zeros(1, 3, 4, 5, requires_grad=True)
    FAKDLoss()(s, torch.randn(1, 3, 4, 5)).backward()
    assert s.grad.isfinite().all()


def test_no_pool_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        FAKDLoss(0)


@pytest.mark.parametrize(
    ("s", "t", "message"),
    [
        (torch.zeros(2, 3, 4, 4), torch.zeros(1, 3, 4, 4), "as many images"),
        (torch.zeros(1, 3, 4, 4), (torch.zeros(1, 3, 4, 4),), "teacher, got tuple"),
    ],
)
def test_wrong_inputs_are_named(s, t, message):
    with pytest.raises(ValueError, match=message):
        FAKDLoss()(s, t)
