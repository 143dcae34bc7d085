"""Which filters go, how many, and what becomes of their norms."""

import pytest
import torch
from torch import nn

from texture_kd.pruning import (
    following_norms,
    prunable_convolutions,
    pruning_rate,
    silence,
    smallest_filters,
    zero_filters,
    zeroed,
)


@pytest.mark.parametrize(
    ("count", "rate", "expected"),
    [(10, 0.3, 3), (10, 0.0, 0), (7, 0.5, 3), (1, 0.9, 0), (100, 0.29, 29)],
)
def test_the_smallest_are_chosen(count, rate, expected):
    weight = torch.randn(count, 3, 3, 3)
    chosen = smallest_filters(weight, rate)
    assert chosen.sum() == expected
    norms = weight.flatten(1).norm(dim=1)
    if expected > 0:
        assert norms[chosen].max() < norms[~chosen].min()


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(ValueError, match="from 0 to below 1"):
        smallest_filters(torch.ones(2, 1, 1, 1), rate)


def test_the_asymptotic_schedule_goes_through_its_points():
    for progress, share in ((0, 0), (1 / 8, 3 / 4), (1, 1)):
        rate = pruning_rate(progress, 0.4, "asymptotic")
        assert rate == pytest.approx(0.4 * share, abs=1e-12)
    rates = [pruning_rate(t / 20, 0.4, "asymptotic") for t in range(21)]
    assert rates == sorted(rates)
    assert pruning_rate(0, 0.4) == pruning_rate(1, 0.4) == 0.4
    with pytest.raises(ValueError, match="expected schedule among"):
        pruning_rate(0, 0.4, "linear")
    with pytest.raises(ValueError, match="progress from 0 to 1"):
        pruning_rate(1.1, 0.4)


def test_zeroed_filters_learn_on():
    layer = nn.Conv2d(2, 4, 3, bias=True)
    zero_filters(layer, 0.5)
    assert zeroed(layer).sum() == 2
    assert (layer.bias[zeroed(layer)] == 0).all()
    layer(torch.randn(1, 2, 5, 5)).sum().backward()
    assert (layer.weight.grad.flatten(1).abs().sum(1) > 0).all()


class Network(nn.Module):
    """A backbone with a shortcut and a depthwise layer, and heads."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.ModuleDict(
            dict(
                conv=nn.Conv2d(3, 4, 3, bias=False),
                bn=nn.BatchNorm2d(4),
                depthwise=nn.Conv2d(4, 4, 3, groups=4),
                downsample=nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)),
            )
        )
        self.decode_head = nn.ModuleDict(
            dict(conv=nn.Conv2d(4, 4, 1), conv_seg=nn.Conv2d(4, 2, 1))
        )
        self.auxiliary_head = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        x = self.backbone.bn(self.backbone.conv(x))
        return self.decode_head.conv_seg(self.decode_head.conv(x).relu())


def test_shortcuts_classifiers_and_groups_are_kept():
    assert prunable_convolutions(Network(), 0.4, 0.2) == {
        "backbone.conv": 0.4,
        "decode_head.conv": 0.2,
    }
    with pytest.raises(ValueError, match="Sequential has no convolutions"):
        prunable_convolutions(nn.Sequential(nn.Conv2d(1, 1, 1)), 0.4, 0.2)


def test_norms_are_found_by_what_they_take():
    network = Network()
    with following_norms(network) as norms:
        network(torch.randn(1, 3, 8, 8))
    assert norms == {"backbone.conv": network.backbone.bn}
    before = dict(norms)
    network(torch.randn(1, 3, 8, 8))
    assert norms == before
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


def test_silenced_filters_give_zeros():
    network = Network().eval()
    layer, norm = network.backbone.conv, network.backbone.bn
    nn.init.normal_(norm.bias)
    nn.init.normal_(norm.running_mean)
    zero_filters(layer, 0.5)
    x = torch.randn(1, 3, 8, 8)
    dead = zeroed(layer)
    assert (norm(layer(x))[:, dead] != 0).all()
    alive = norm(layer(x))[:, ~dead]
    silence(layer, norm)
    assert (norm(layer(x))[:, dead] == 0).all()
    assert torch.equal(norm(layer(x))[:, ~dead], alive)
