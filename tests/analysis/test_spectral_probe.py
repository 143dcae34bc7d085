"""The gradient that is measured is the network's."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from texture_kd.analysis.spectral_probe import (
    Concentration,
    mean_concentration,
    probe_gradient,
)
from texture_kd.functional import spectral_cross_entropy, spectral_gradient


class Segmentor(nn.Module):
    """A feature that is the logits, perhaps at half the size."""

    def __init__(self, stride=1, gives=None):
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 1, stride=stride)
        self.other = nn.Identity()
        self.decode_head = SimpleNamespace(align_corners=False)
        self.gives = gives

    def forward(self, x, mode):
        assert mode == "tensor"
        feature = self.layer(x)
        return self.other(feature if self.gives is None else (feature,))


def label(size=(8, 9)):
    return torch.randint(4, (2, *size))


def test_at_the_logits_it_is_a_delta_function_but_for_the_constant():
    images = torch.randn(2, 3, 8, 9)
    zero, middle, half = probe_gradient(Segmentor(), images, label(), "layer")
    assert (zero.frequency, middle.frequency, half.frequency) == (0, 2, 4)
    assert middle.share == pytest.approx(1, abs=1e-5)
    assert half.share == pytest.approx(1, abs=1e-5)
    assert zero.share < 0.99
    assert zero.spread == pytest.approx(1 / 72)


def test_logits_are_brought_to_the_labels_size():
    images = torch.randn(2, 3, 16, 16)
    probes = probe_gradient(Segmentor(stride=2), images, label((16, 16)), "layer")
    assert [p.frequency for p in probes] == [0, 2, 4]
    assert probes[1].share > 0.8
    assert probes[1].spread == pytest.approx(1 / 64)


def test_the_energies_of_all_channels_are_added():
    torch.manual_seed(0)
    model, images, target = Segmentor(), torch.randn(1, 3, 8, 8), label((8, 8))[:1]
    mix = nn.Conv2d(4, 4, 3, padding=1)
    model.forward = lambda x, mode: mix(model.layer(x).square())
    probes = probe_gradient(model, images, target, "layer")
    feature = model.layer(images).detach().requires_grad_()
    values = spectral_cross_entropy(mix(feature.square()), target)[
        :, [0, 2, 4], [0, 2, 4]
    ]
    energy = spectral_gradient(values, feature).abs().square()[0].sum(1)
    for i, one in enumerate(probes):
        f = one.frequency
        assert one.share == pytest.approx(float(energy[i, f, f] / energy[i].sum()))


def test_the_network_is_left_as_it_was():
    model = Segmentor()
    probe_gradient(model, torch.randn(2, 3, 8, 9), label(), "layer")
    assert not model.layer._forward_hooks
    assert model.layer.weight.grad is None
    model.requires_grad_(False)
    with torch.no_grad():
        probe_gradient(model, torch.randn(2, 3, 8, 9), label(), "layer")


def test_a_mean_over_batches():
    batches = [[Concentration(0, 0.2, 0.1)], [Concentration(0, 0.4, 0.1)]]
    (mean,) = mean_concentration(batches)
    assert mean.share == pytest.approx(0.3)
    assert (mean.frequency, mean.spread) == (0, 0.1)


def test_a_layer_that_will_not_do_is_named():
    images = torch.randn(2, 3, 8, 9)
    with pytest.raises(ValueError, match=r"no layer 'head\.x'"):
        probe_gradient(Segmentor(), images, label(), "head.x")
    model = Segmentor(gives=tuple)
    model.forward = lambda x, mode: F.relu(model.other((model.layer(x),))[0])
    with pytest.raises(ValueError, match="other gives no feature"):
        probe_gradient(model, images, label(), "other")
