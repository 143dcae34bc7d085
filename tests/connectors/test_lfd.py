import pytest
import torch
from mmrazor.models.architectures.connectors.base_connector import BaseConnector
from mmrazor.registry import MODELS
from torch import nn

import texture_kd.components  # noqa: F401
from texture_kd.connectors import LFDConnector


def test_is_built_by_the_registry_and_aligns_channels():
    connector = MODELS.build(dict(type="LFDConnector", in_channel=4, out_channel=6))
    assert isinstance(connector, BaseConnector)
    assert connector(torch.randn(2, 4, 5, 7)).shape == (2, 6, 5, 7)


@pytest.mark.parametrize(
    ("depth", "kernel", "side"), [(3, 3, 7), (1, 1, 1), (2, 3, 5), (2, 5, 9)]
)
def test_the_receptive_field_is_exactly_what_is_said(depth, kernel, side):
    connector = LFDConnector(4, 6, depth=depth, kernel_size=kernel)
    x = torch.randn(1, 4, 15, 15, requires_grad=True)
    connector(x)[0, :, 7, 7].sum().backward()
    wanted = torch.zeros(15, 15, dtype=torch.bool)
    reach = side // 2
    wanted[7 - reach : 8 + reach, 7 - reach : 8 + reach] = True
    assert torch.equal(x.grad[0].abs().sum(0) > 0, wanted)


def test_the_default_is_the_regressor_of_the_authors_earlier_work():
    layers = [*LFDConnector(4, 6).layers]
    assert [(x.in_channels, x.out_channels) for x in layers] == [(4, 4), (4, 6), (6, 6)]
    assert [x.with_norm for x in layers] == [False] * 3
    assert [x.with_activation for x in layers] == [True, True, False]
    assert {x.activate.negative_slope for x in layers[:2]} == {0.1}


def test_fitnets_regressor_is_a_special_case():
    connector = LFDConnector(
        4, 6, depth=1, kernel_size=1, last_act_cfg=dict(type="ReLU")
    )
    plain = nn.Sequential(nn.Conv2d(4, 6, 1), nn.ReLU())
    plain[0].load_state_dict(connector.layers[0].conv.state_dict())
    x = torch.randn(2, 4, 5, 7)
    torch.testing.assert_close(connector(x), plain(x))
    assert len([*connector.parameters()]) == 2


def test_a_normalisation_stands_after_all_but_the_last():
    layers = LFDConnector(4, 6, norm_cfg=dict(type="BN")).layers
    assert [x.with_norm for x in layers] == [True, True, False]


def test_the_last_is_linear_and_may_be_negative():
    assert (LFDConnector(4, 6)(torch.randn(2, 4, 5, 7)) < 0).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(depth=0), "depth of at least 1"),
        (dict(in_channel=0), "in_channel"),
        (dict(kernel_size=4), "odd kernel_size"),
        (dict(kernel_size=-1), "odd kernel_size"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LFDConnector(**{"in_channel": 4, "out_channel": 6, **options})


def test_what_a_whole_backbone_gives_is_refused():
    with pytest.raises(ValueError, match=r"got tuple.*data_idx"):
        LFDConnector(4, 6)((torch.zeros(2, 4, 4, 4),))


@pytest.mark.parametrize("shape", [(2, 5, 4, 4), (4, 4, 4)])
def test_other_features_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected a feature \(N, 4, H, W\)"):
        LFDConnector(4, 6)(torch.zeros(shape))
