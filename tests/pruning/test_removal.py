"""A network without its zeroed filters gives what it gave with them."""

import copy

import pytest
import torch
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from torch import nn

import texture_kd.components  # noqa: F401
from texture_kd.pruning import (
    fit_to_state,
    following_norms,
    prunable_convolutions,
    remove_filters,
    silence,
    zero_filters,
)

HEADS = dict(
    psp=dict(type="PSPHead", in_channels=32, in_index=3, channels=8),
    deeplab=dict(
        type="DepthwiseSeparableASPPHead",
        in_channels=32,
        in_index=3,
        channels=8,
        dilations=(1, 2),
        c1_in_channels=4,
        c1_channels=4,
    ),
)


def segmentor(head="psp", depth=18):
    config = dict(HEADS[head], num_classes=3, norm_cfg=dict(type="BN"))
    if depth == 50:
        config["in_channels"] *= 4
        if head == "deeplab":
            config["c1_in_channels"] *= 4
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build(
            dict(
                type="EncoderDecoder",
                backbone=dict(
                    type="ResNetV1c",
                    depth=depth,
                    base_channels=4,
                    stem_channels=4,
                ),
                decode_head=config,
            )
        )
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return model.eval()


def prune(model, silenced):
    with torch.no_grad(), following_norms(model) as norms:
        model(torch.randn(1, 3, 64, 64), mode="tensor")
    for name, rate in prunable_convolutions(model, 0.4, 0.3).items():
        layer = model.get_submodule(name)
        zero_filters(layer, rate)
        if silenced:
            silence(layer, norms.get(name))


def assert_same(model, smaller, x):
    with torch.no_grad():
        expected, actual = model(x, mode="tensor"), smaller(x, mode="tensor")
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("depth", [18, 50])
@pytest.mark.parametrize("head", HEADS)
def test_removal_is_exact(head, depth):
    model = segmentor(head, depth)
    prune(model, silenced=True)
    smaller = remove_filters(model, (64, 64))
    assert sum(p.numel() for p in smaller.parameters()) < 0.8 * sum(
        p.numel() for p in model.parameters()
    )
    assert_same(model, smaller, torch.randn(2, 3, 96, 64))


def test_norms_that_were_not_silenced_are_and_the_network_given_stays():
    model = segmentor()
    prune(model, silenced=False)
    before = copy.deepcopy(model.state_dict())
    smaller = remove_filters(model, (64, 64))
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    prune(model, silenced=True)
    assert_same(model, smaller, torch.randn(1, 3, 64, 64))


def test_a_block_loses_its_inner_channels_and_its_output_those_that_nobody_gives():
    model = segmentor()
    prune(model, silenced=True)
    block = model.backbone.layer2[1]
    smaller = remove_filters(model, (64, 64)).backbone.layer2[1]
    assert block.conv1.weight.shape[:2] == (8, 8)
    assert smaller.conv1.weight.shape[:2] == (5, 8)
    assert smaller.conv2.weight.shape[:2] == (8, 5)


def test_a_layer_keeps_one_channel():
    model = segmentor()
    nn.init.zeros_(model.backbone.layer2[1].conv1.weight)
    smaller = remove_filters(model, (64, 64))
    assert smaller.backbone.layer2[1].conv1.weight.shape[:2] == (1, 8)


def test_a_config_takes_the_smaller_networks_weights():
    model = segmentor()
    prune(model, silenced=True)
    smaller = remove_filters(model, (64, 64))
    fresh = segmentor()
    assert fit_to_state(fresh, smaller.state_dict())
    fresh.load_state_dict(smaller.state_dict())
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(fresh(x, mode="tensor"), smaller(x, mode="tensor"))
    assert not fit_to_state(segmentor(), model.state_dict())


def test_an_optimiser_goes_on_holding_what_is_narrowed():
    model, fresh = segmentor(), segmentor()
    prune(model, silenced=True)
    state = remove_filters(model, (64, 64)).state_dict()
    fresh.backbone.layer1.requires_grad_(False)
    optimizer = torch.optim.SGD(fresh.parameters(), lr=0.1)
    fit_to_state(fresh, state)
    fresh.load_state_dict(state)
    fresh.train()(torch.randn(2, 3, 64, 64), mode="tensor").square().sum().backward()
    optimizer.step()
    for name in ("backbone.layer2.0.conv1.weight", "backbone.layer1.0.conv1.weight"):
        moved = not torch.equal(fresh.get_parameter(name), state[name])
        assert moved == ("layer2" in name)


def test_what_other_layers_give_is_kept():
    model = segmentor()
    model.decode_head.bottleneck = nn.Sequential(
        model.decode_head.bottleneck, Mixer(8, 16), nn.ReLU(), Mixer(16, 8)
    )
    prune(model, silenced=True)
    smaller = remove_filters(model, (64, 64))
    assert_same(model, smaller, torch.randn(1, 3, 64, 64))


class Mixer(nn.Linear):
    """A linear layer over the channels of a map."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def test_a_layer_that_mmrazor_does_not_know_is_refused():
    model = segmentor()
    model.decode_head.bottleneck.conv = nn.ConvTranspose2d(64, 8, 3, padding=1)
    with pytest.raises(ValueError, match=r"cannot follow .* ConvTranspose2d"):
        remove_filters(model, (64, 64))


def test_a_guided_head_that_mmrazor_cannot_follow_is_refused():
    options = dict(num_classes=3, norm_cfg=dict(type="BN"))
    with DefaultScope.overwrite_default_scope("mmseg"):
        guided = MODELS.build(
            dict(
                type="EncoderDecoderWithImage",
                backbone=dict(
                    type="ResNetV1c", depth=18, base_channels=4, stem_channels=4
                ),
                decode_head=dict(type="DUCDLCHead", in_channels=[3, 8, 32], **options),
            )
        ).eval()
    for step in (
        lambda: remove_filters(guided, (64, 64)),
        lambda: prunable_convolutions(guided, 0.4, 0.3),
    ):
        with pytest.raises(ValueError, match=r"decode_head\.duc is a GuidedUpsampling"):
            step()


def test_weights_for_other_classes_are_refused():
    state = segmentor().state_dict()
    state["decode_head.conv_seg.weight"] = torch.zeros(2, 8, 1, 1)
    with pytest.raises(ValueError, match="conv_seg has weights"):
        fit_to_state(segmentor(), state)


def test_weights_of_another_network_are_refused():
    state = segmentor().state_dict()
    name = "backbone.layer1.0.conv1.weight"
    for shape in ((5, 4, 3, 3), (4, 4, 1, 1)):
        state[name] = torch.zeros(shape)
        with pytest.raises(
            ValueError, match=r"layer1.0.conv1 has weights \(4, 4, 3, 3\)"
        ):
            fit_to_state(segmentor(), state)
