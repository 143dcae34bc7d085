"""Functions that switch autocast off work where there is none, too."""

import pytest
import torch

from texture_kd.functional import (
    band_limit,
    conv_enlarged,
    cosine_self_similarity,
    fourier_resample,
    pairwise_affinity,
)
from texture_kd.functional.adaptive_mean import adaptive_mean
from texture_kd.functional.precision import without_autocast
from texture_kd.losses import CDMLoss, FAKDLoss, PairwiseKDLoss, TextureLoss


@pytest.mark.parametrize(
    "function",
    [
        cosine_self_similarity,
        pairwise_affinity,
        lambda x: adaptive_mean(x, (3, 5)),
        lambda x: band_limit(x, (3, 5)),
        lambda x: fourier_resample(x, (3, 5)),
        lambda x: conv_enlarged([x], torch.ones(2, 4, 3, 3, device=x.device), (24, 24)),
        lambda x: CDMLoss(4, 4, levels=(2, 1)).to(x.device)(x, x),
        lambda x: TextureLoss([4], [4]).to(x.device)([x], [x]),
        lambda x: FAKDLoss()(x, x),
        lambda x: PairwiseKDLoss()(x, x),
    ],
)
def test_shapes_are_told_without_values(function):
    x = torch.randn(2, 4, 16, 16)
    found = function(x.to("meta").requires_grad_())
    assert found.device.type == "meta"
    assert found.shape == function(x).shape
    found.sum().backward()


def test_autocast_is_off_inside_and_as_it_was_outside():
    x = torch.randn(3, 3)
    with torch.autocast("cpu", torch.bfloat16):
        with without_autocast(x.device):
            assert (x @ x).dtype == torch.float32
        assert (x @ x).dtype == torch.bfloat16
    with without_autocast(x.device):
        assert torch.equal(x @ x, x.mm(x))
