"""Guided upsampling and dense local context, alone and as a head."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from small_duc_dlc import HEAD, NORM

import texture_kd.components  # noqa: F401
from texture_kd.decode_heads import DenseLocalContext, DUCDLCHead, GuidedUpsampling


def head(**options):
    torch.manual_seed(0)
    return MODELS.build(copy.deepcopy(dict(HEAD, **options))).eval()


def features(size, stride, images=1):
    """What a head reads at these image sizes: the image is behind four features."""
    torch.manual_seed(1)
    coarse = [[math.ceil(n / s) for n in size] for s in (4, 8, stride, stride)]
    channels = (4, 8, 16, 32)
    found = [
        torch.randn(images, c, *grid) for c, grid in zip(channels, coarse, strict=True)
    ]
    return [*found, torch.randn(images, 3, *size)]


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_parameters_are_those_of_the_paper():
    context = DenseLocalContext(768, norm_cfg=NORM)
    assert parameters(context) == 1_346_560
    classifier = torch.nn.Conv2d(context.out_channels, 150, 1)
    assert parameters(context) + parameters(classifier) == 1_500_310
    guided = GuidedUpsampling(3, 2048, norm_cfg=NORM)
    assert parameters(guided) == 5_183_072


@pytest.mark.parametrize("size", [(480, 480), (513, 513), (97, 131), (9, 5)])
@pytest.mark.parametrize("stride", [32, 16, 8])
def test_logits_have_the_grid_of_the_intermediate_feature(size, stride):
    x = features(size, stride)
    logits = head()(x)
    assert logits.shape == (1, 3, *x[1].shape[2:])
    assert torch.equal(head()(x), logits)


def test_the_intermediate_feature_may_be_the_first_and_the_last_one_larger():
    x = features((97, 131), 16)
    first = head(in_channels=[3, 4, 32], in_index=[-1, 0, 3])
    assert first(x).shape[2:] == (25, 33)
    swapped = head(in_channels=[3, 32, 8], in_index=[-1, 3, 1])
    assert swapped(x).shape[2:] == x[3].shape[2:]


@pytest.mark.parametrize(
    ("off", "channels", "grid"),
    [
        (dict(duc=None), 6 + 4 * 4, 3),
        (dict(dlc=None), 8 + 8, 1),
        (dict(duc=None, dlc=None), 32, 3),
        (dict(), 6 + 4 * 4, 1),
    ],
)
def test_either_part_may_be_left_out(off, channels, grid):
    x = features((64, 96), 32)
    found = head(**off)
    assert found.conv_seg.in_channels == channels
    assert found(x).shape[2:] == x[grid].shape[2:]


def test_the_default_sizes_are_the_papers():
    found = DUCDLCHead([3, 512, 2048], num_classes=150, norm_cfg=NORM)
    assert found.dlc.reduce.conv.in_channels == 256 + 512
    assert found.conv_seg.in_channels == 1024
    context = [branch[1].conv.dilation for branch in found.dlc.branches]
    assert context == [(3, 3), (6, 6), (12, 12), (18, 18)]


def test_it_equals_the_definition_step_by_step():
    found = head()
    x = features((64, 96), 32)
    image, middle, deep = x[4], x[1], x[3]
    duc = found.duc
    guidance = F.adaptive_avg_pool2d(duc.guidance(image), middle.shape[2:])
    reduced = duc.reduce(deep)
    both = torch.cat([F.adaptive_avg_pool2d(guidance, deep.shape[2:]), reduced], 1)
    slope, offset = duc.coefficients(both).split(8, 1)
    slope, offset = (
        F.interpolate(c, middle.shape[2:], mode="bilinear") for c in (slope, offset)
    )
    y = found.dlc.reduce(torch.cat([slope * guidance + offset, middle], 1))
    for branch in found.dlc.branches:
        y = torch.cat([y, branch(y)], 1)
    torch.testing.assert_close(found(x), found.conv_seg(y))


@pytest.mark.parametrize("align_corners", [False, True])
def test_from_the_identity_it_is_bilinear_interpolation(align_corners):
    torch.manual_seed(0)
    guided = GuidedUpsampling(
        3, 7, 5, 4, identity=True, norm_cfg=NORM, align_corners=align_corners
    ).eval()
    image, deep = torch.randn(2, 3, 97, 131), torch.randn(2, 7, 4, 5)
    expected = F.interpolate(
        guided.reduce(deep), (13, 17), mode="bilinear", align_corners=align_corners
    )
    assert torch.equal(guided(image, deep, (13, 17)), expected)
    guided(image, deep, (13, 17)).square().sum().backward()
    assert guided.coefficients.weight.grad.abs().amax((2, 3)).gt(0).all()


@pytest.mark.parametrize("size", [(97, 131), (64, 64)])
def test_every_pixel_of_the_image_has_a_say_in_the_guidance(size):
    torch.manual_seed(0)
    # A rectifier has no gradient where it is off.
    smooth = dict(norm_cfg=NORM, act_cfg=dict(type="Sigmoid"))
    guided = GuidedUpsampling(3, 7, 5, 4, **smooth).eval()
    image = torch.randn(1, 3, *size, requires_grad=True)
    guided.guidance(image).square().sum().backward()
    assert image.grad.abs().amin() > 0


def test_the_receptive_field_of_the_context_is_79():
    torch.manual_seed(0)
    context = DenseLocalContext(2, 4, 3, 3, act_cfg=None, norm_cfg=None).double()
    x = torch.randn(1, 2, 101, 101, dtype=torch.float64, requires_grad=True)
    context(x)[0, :, 50, 50].sum().backward()
    rows, columns = x.grad.abs().sum((0, 1)).nonzero().T
    for found in (rows, columns):
        assert (found.min().item(), found.max().item()) == (50 - 39, 50 + 39)


def test_derivatives_in_float64():
    small = dict(
        duc=dict(channels=2, guidance_channels=2),
        dlc=dict(channels=2, growth=1, bottleneck=1, dilations=(1, 2)),
    )
    found = head(in_channels=[1, 2, 3], act_cfg=dict(type="Sigmoid"), **small).double()
    shapes = [(1, 1, 13, 9), (1, 2, 2, 2), (1, 3, 1, 2)]
    inputs = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes]

    def compute(image, middle, deep):
        return found([deep, middle, deep, deep, image])

    assert torch.autograd.gradcheck(compute, inputs)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_is_finite(dtype):
    found, x = head(), features((64, 96), 32)
    with torch.autocast("cpu", dtype):
        logits = found(x)
    assert logits.isfinite().all()
    torch.testing.assert_close(logits.float(), found(x), rtol=0.1, atol=0.1)


def test_both_parts_have_the_heads_layers_and_dropout():
    found = head(
        norm_cfg=dict(type="GN", num_groups=1),
        act_cfg=dict(type="Sigmoid"),
        align_corners=True,
        duc=dict(channels=8, guidance_channels=4, identity=True),
    )
    kinds = {type(m) for part in (found.duc, found.dlc) for m in part.modules()}
    assert {torch.nn.GroupNorm, torch.nn.Sigmoid} <= kinds
    assert not {torch.nn.BatchNorm2d, torch.nn.ReLU} & kinds
    x = features((64, 96), 32)
    recorded = []
    found.duc.register_forward_hook(lambda *seen: recorded.append(seen[2]))
    found(x)
    expected = F.interpolate(
        found.duc.reduce(x[3]), x[1].shape[2:], mode="bilinear", align_corners=True
    )
    assert torch.equal(recorded[0], expected)
    found.dropout.train()
    assert not torch.equal(found(x), found(x))


def test_the_identity_survives_the_initialisation_of_weights():
    found = head(duc=dict(channels=8, guidance_channels=4, identity=True))
    before = found.duc.coefficients.weight.clone()
    found.init_weights()
    assert torch.equal(found.duc.coefficients.weight, before)


@pytest.mark.parametrize(
    ("grid", "expected"), [(0.5, (4, 6)), (5, (5, 5)), ((8, 12), (8, 12))]
)
def test_truncated_it_draws_on_the_grid_along_the_whole_image(grid, expected):
    torch.manual_seed(0)
    found = MODELS.build(dict(type="SpectralTruncationHead", grid=grid, head=HEAD))
    seen = []
    found.duc.register_forward_pre_hook(lambda _, given: seen.append(given))
    x = features((64, 96), 32)
    assert found.eval()(x).shape[2:] == expected
    ((image, deep, size),) = seen
    assert image is x[4]
    assert deep.shape == x[3].shape
    assert tuple(size) == expected


def test_what_is_wrong_is_named():
    for wrong in (dict(in_channels=[8, 32]), dict(in_channels=32), dict(in_index=-1)):
        with pytest.raises(ValueError, match="reads three inputs"):
            head(**wrong)
    with pytest.raises(ValueError, match="None to leave it out, got False"):
        head(duc=False)
    x = features((64, 96), 32)
    with pytest.raises(ValueError, match="type='EncoderDecoderWithImage'"):
        head()(x[:4])
    with pytest.raises(TypeError, match="unexpected keyword argument 'growths'"):
        head(dlc=dict(growths=3))
