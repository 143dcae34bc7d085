"""The gradient that is measured is the network's."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from texture_kd.analysis.spectral_probe import (
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
    found = probe_gradient(Segmentor(), images, label(), "layer")
    assert found.shape == (2, 4)
    zero, middle, half, spread = found.T
    torch.testing.assert_close(middle, torch.ones(2))
    torch.testing.assert_close(half, torch.ones(2))
    assert (zero < 0.99).all()
    torch.testing.assert_close(spread, torch.full((2,), 1 / 72))


def test_logits_are_brought_to_the_labels_size():
    images = torch.randn(2, 3, 16, 16)
    found = probe_gradient(Segmentor(stride=2), images, label((16, 16)), "layer")
    assert (found[:, 1] > 0.8).all()
    torch.testing.assert_close(found[:, 3], torch.full((2,), 1 / 64))


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
    for i, f in enumerate((0, 2, 4)):
        expected = float(energy[i, f, f] / energy[i].sum())
        assert float(probes[0, i]) == pytest.approx(expected)


def test_a_head_of_one_channel():
    model, images = Segmentor(), torch.randn(2, 3, 8, 9)
    model.layer = nn.Conv2d(3, 1, 1)
    target = label().clamp(max=1)
    found = probe_gradient(model, images, target, "layer")
    model.other = nn.ZeroPad2d((0, 0, 0, 0, 1, 0))
    torch.testing.assert_close(probe_gradient(model, images, target, "layer"), found)


def test_the_network_is_left_as_it_was():
    model = Segmentor()
    probe_gradient(model, torch.randn(2, 3, 8, 9), label(), "layer")
    assert not model.layer._forward_hooks
    assert model.layer.weight.grad is None
    model.requires_grad_(False)
    with torch.no_grad():
        probe_gradient(model, torch.randn(2, 3, 8, 9), label(), "layer")


def test_a_mean_over_images_of_which_one_has_no_label():
    nan = float("nan")
    batches = [
        torch.tensor([[0.1, 0.2, 0.3, 0.01], [nan, nan, nan, 0.01]]),
        torch.tensor([[0.3, 0.4, 0.5, 0.01]]),
    ]
    zero, middle, half = mean_concentration(batches)
    assert (zero.frequency, middle.frequency, half.frequency) == ("0", "M/4", "M/2")
    shares = [zero.share, middle.share, half.share]
    assert shares == pytest.approx([0.2, 0.3, 0.4])
    assert half.spread == pytest.approx(0.01)


def test_an_image_without_labels_has_no_share():
    images, target = torch.randn(2, 3, 8, 9), label()
    target[1] = 255
    found = probe_gradient(Segmentor(), images, target, "layer")
    assert not found[0].isnan().any()
    assert found[1, :3].isnan().all()


def test_a_layer_that_will_not_do_is_named():
    images = torch.randn(2, 3, 8, 9)
    with pytest.raises(ValueError, match=r"no layer 'head\.x'"):
        probe_gradient(Segmentor(), images, label(), "head.x")
    model = Segmentor(gives=tuple)
    model.forward = lambda x, mode: F.relu(model.other((model.layer(x),))[0])
    with pytest.raises(ValueError, match="other gives no feature"):
        probe_gradient(model, images, label(), "other")
