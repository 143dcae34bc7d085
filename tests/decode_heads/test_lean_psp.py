import copy

import pytest
import torch
from mmseg.models.decode_heads import PSPHead

from texture_kd.decode_heads import LeanPSPHead

HEAD = dict(
    in_channels=6,
    in_index=1,
    channels=4,
    num_classes=3,
    pool_scales=(1, 2, 5),
    norm_cfg=dict(type="BN"),
    align_corners=False,
    dropout_ratio=0,
)


def heads(**options):
    built = []
    for kind in (PSPHead, LeanPSPHead):
        torch.manual_seed(0)
        built.append(kind(**(HEAD | options)).double())
    return built


def features(*size, images=2):
    feature = torch.randn(images, 6, *size, dtype=torch.float64)
    return [None, feature.requires_grad_()]


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (3, 4), (1, 1)])
@pytest.mark.parametrize("options", [{}, dict(align_corners=True), dict(norm_cfg=None)])
@pytest.mark.parametrize("training", [True, False])
def test_is_psp_head(size, options, training):
    inputs = features(*size)
    results = []
    for head in heads(**options):
        head.train(training)
        output = head(inputs)
        output.square().sum().backward()
        gradients = {name: p.grad for name, p in head.named_parameters()}
        state = {name: value.clone() for name, value in head.state_dict().items()}
        results.append((output, inputs[1].grad.clone(), gradients, state))
        inputs[1].grad = None
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-9)


def test_takes_a_checkpoint_of_psp_head_and_spends_no_random_number():
    torch.manual_seed(0)
    stock, after = PSPHead(**HEAD), torch.rand(3)
    torch.manual_seed(0)
    lean = LeanPSPHead(**HEAD)
    assert torch.equal(torch.rand(3), after)
    torch.testing.assert_close(lean.state_dict(), stock.state_dict(), rtol=0, atol=0)
    lean.load_state_dict(stock.state_dict())


def test_recorders_find_the_bottleneck():
    seen = []
    for head in heads():
        head.eval()
        head.bottleneck.register_forward_hook(lambda *args: seen.append(args[2]))
        head(features(8, 8, images=1))
    assert len(seen) == 2
    assert seen[0].shape == seen[1].shape


def test_a_copy_is_another_head():
    _, lean = heads()
    inputs = features(8, 8)
    other = copy.deepcopy(lean)
    torch.nn.init.zeros_(lean.bottleneck.conv.weight)
    torch.testing.assert_close(other(inputs), heads()[1](inputs))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_is_as_exact_as_psp_head_under_autocast(dtype):
    stock, lean = (head.float().eval() for head in heads())
    inputs = [None, features(9, 9)[1].detach().float()]
    exact = stock(inputs)
    with torch.autocast("cpu", dtype):
        errors = [(head(inputs) - exact).abs().max() for head in (stock, lean)]
    assert 0 < errors[1] < 2 * errors[0]


def test_refuses_other_convolutions():
    with pytest.raises(ValueError, match=r"got ConvAWS2d: remove conv_cfg"):
        LeanPSPHead(**HEAD, conv_cfg=dict(type="ConvAWS"))
