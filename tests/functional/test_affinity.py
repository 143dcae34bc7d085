import math

import pytest
import torch

from texture_kd.functional import pairwise_affinity


def reference(feature, patch):
    """Patch by patch and pair by pair, in float64."""
    feature = feature.double()
    height, width = feature.shape[-2:]
    images = []
    for image in feature:
        means = [
            image[:, y : y + patch, x : x + patch].mean((1, 2))
            for y in range(0, height, patch)
            for x in range(0, width, patch)
        ]
        images.append(
            [[float(a @ b / (a.norm() * b.norm())) for b in means] for a in means]
        )
    return torch.tensor(images, dtype=torch.float64)


@pytest.mark.parametrize("patch", [1, 2, 3, 9])
@pytest.mark.parametrize("size", [(1, 1), (4, 6), (5, 7)])
def test_equals_the_definition(size, patch):
    feature = torch.randn(2, 3, *size, dtype=torch.float64)
    affinity = pairwise_affinity(feature, patch)
    patches = math.prod(-(-side // patch) for side in size)
    assert affinity.shape == (2, patches, patches)
    torch.testing.assert_close(affinity, reference(feature, patch))


def test_scale_of_a_position_makes_no_difference():
    feature = torch.randn(1, 3, 4, 5, dtype=torch.float64)
    scaled = feature * torch.rand(1, 1, 4, 5).double().add(0.1)
    torch.testing.assert_close(pairwise_affinity(scaled), pairwise_affinity(feature))


def test_zeros_have_no_affinity_and_finite_gradients():
    feature = torch.zeros(1, 3, 2, 2, requires_grad=True)
    affinity = pairwise_affinity(feature)
    affinity.sum().backward()
    assert torch.equal(affinity, torch.zeros(1, 4, 4))
    assert feature.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_is_computed_in_float32(dtype):
    feature = (100 * torch.randn(2, 64, 4, 5)).to(dtype)
    with torch.autocast("cpu", torch.bfloat16):
        affinity = pairwise_affinity(feature, 2)
    assert affinity.dtype == torch.float32
    wanted = reference(feature, 2).float()
    torch.testing.assert_close(affinity, wanted, atol=1e-5, rtol=0)


def test_gradients_are_those_of_differences():
    feature = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: pairwise_affinity(x, 2), feature)


def test_a_position_of_zeros_has_no_affinity_and_no_gradient():
    torch.manual_seed(0)
    feature = torch.randn(1, 3, 4, 4)
    feature[:, :, 0, 0] = 0
    feature.requires_grad_()
    affinity = pairwise_affinity(feature)
    assert (affinity[0, 0] == 0).all()
    (gradient,) = torch.autograd.grad(affinity.square().sum(), feature)
    assert (gradient[:, :, 0, 0] == 0).all()
    assert 0 < gradient.abs().max() < 100


@pytest.mark.parametrize(
    ("feature", "patch", "message"),
    [
        (torch.zeros(3, 4, 4), 1, r"\(3, 4, 4\)"),
        (torch.zeros(1, 3, 4, 4, dtype=torch.long), 1, "int64"),
        (torch.zeros(1, 3, 4, 4), 0, "at least 1 position, got 0"),
    ],
)
def test_what_does_not_fit_is_refused(feature, patch, message):
    with pytest.raises(ValueError, match=message):
        pairwise_affinity(feature, patch)
