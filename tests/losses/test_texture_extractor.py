"""The extractor beside steps 1 and 4 to 14 of the definition, written out."""

import pytest
import torch
import torch.nn.functional as F
from histogram_reference import OPTIONS, self_similarity, statistics
from torch import nn

from texture_kd.functional import HistogramOptions
from texture_kd.functional.regions import regions_of, whole_maps
from texture_kd.losses import DTIEMLoss
from texture_kd.losses.texture_extractor import TextureExtractor


def extractor(channels=8, texture_channels=6, **options):
    """Affine parameters are random, or they would not show."""
    torch.manual_seed(0)
    loss = DTIEMLoss(
        channels,
        channels,
        "histogram",
        extractor="frozen",
        channels=channels,
        texture_channels=texture_channels,
        histogram=options,
        sampler=dict(regions=1),
    )
    for parameter in loss.texture.extractor.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter)
    return loss.texture.extractor.double()


def features(*shape):
    torch.manual_seed(1)
    return torch.randn(shape, dtype=torch.float64)


@pytest.mark.parametrize(("channels", "groups"), [(8, 1), (64, 32)])
def test_the_core_is_a_3x3_convolution_a_norm_leaky_relu_and_a_1x1_convolution(
    channels, groups
):
    core = extractor(channels).core
    first, last = (m for m in core if isinstance(m, nn.Conv2d))
    (norm,) = (m for m in core if isinstance(m, nn.GroupNorm))
    x = features(2, channels, 5, 7)
    y = F.conv2d(x, first.weight, padding=1)
    parts = y.reshape(2, groups, -1)
    variance = parts.var(2, unbiased=False, keepdim=True)
    y = ((parts - parts.mean(2, keepdim=True)) / (variance + 1e-5).sqrt()).view_as(y)
    y = y * norm.weight[:, None, None] + norm.bias[:, None, None]
    y = torch.where(y > 0, y, 0.01 * y)
    expected = F.conv2d(y, last.weight, last.bias)
    assert first.weight.shape == (channels, channels, 3, 3)
    assert first.bias is None
    torch.testing.assert_close(core(x), expected)


def linear(layer, value):
    bias = 0 if layer.bias is None else layer.bias[:, None]
    return layer.weight[:, :, 0] @ value + bias


def normalised(norm, value, *dims):
    variance = value.var(dims, unbiased=False, keepdim=True)
    value = (value - value.mean(dims, keepdim=True)) / (variance + 1e-5).sqrt()
    return value * norm.weight[:, None] + norm.bias[:, None]


def texture(model, x, options):
    """F^sta (D, P) of one region (D, h, w)."""
    _, _, raw, denoised, e = statistics(self_similarity(x), **options)
    n = len(raw)
    f1, _, f2, f2_norm = model.levels
    node, node_norm = model.node
    h = linear(f1, torch.stack([raw, n * denoised / denoised.sum()]))
    h = normalised(f2_norm, linear(f2, F.leaky_relu(h)), 1)
    g = x.flatten(1).mean(1)[:, None].expand(-1, n)
    h = normalised(node_norm, linear(node, torch.cat([h, g])), 0, 1)
    q, k, v = (linear(layer, h) for layer in (model.query, model.key, model.value))
    attention = torch.stack([row.softmax(0) for row in k.T @ q])
    nodes = linear(model.out, v @ attention.T)
    return nodes @ (e / e.sum(0).clamp_min(1e-6))


def of_images(model, aligned):
    return model(aligned, whole_maps(aligned))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_statistics_equal_steps_4_to_14_with_each_option(options):
    model = extractor(**options)
    rows, ours = of_images(model, features(2, 8, 9, 11))
    x = rows.unflatten(0, (2, 9, 11)).permute(0, 3, 1, 2)
    expected = torch.cat([texture(model, region, options).mT for region in x])
    torch.testing.assert_close(ours, expected)
    if options:
        torch.manual_seed(0)
        others = torch.cat([texture(model, region, {}).mT for region in x])
        assert not torch.allclose(ours, others, rtol=1e-4)


def test_regions_are_cut_out_of_the_core_of_the_whole_map():
    model = extractor(count=9)
    x = features(2, 8, 9, 11)
    boxes = torch.tensor([[[0, 0, 4, 5], [2, 3, 6, 8]], [[5, 6, 9, 11], [1, 2, 8, 6]]])
    regions = regions_of(boxes, (9, 11))
    described = F.conv2d(x, model.core[0].weight, padding=1)
    described = model.core[1:](described)
    ours, cut = model(x, regions), model.features(x, regions)
    for r, (image, (y0, x0, y1, x1)) in enumerate(
        zip(regions.images.tolist(), regions.boxes.tolist(), strict=True)
    ):
        region = described[image, :, y0:y1, x0:x1]
        pixels = regions.region == r
        torch.testing.assert_close(ours.features[pixels], region.flatten(1).mT)
        torch.testing.assert_close(cut[pixels], region.flatten(1).mT)
        torch.testing.assert_close(
            ours.statistics[pixels], texture(model, region, dict(count=9)).mT
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_texture_has_float32_at_least(dtype):
    model = extractor(count=9).float()
    x = features(2, 8, 9, 11).float().requires_grad_()
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        rows, ours = of_images(model, x)
    assert rows.dtype == ours.dtype == torch.float32
    described = rows.unflatten(0, (2, 9, 11)).permute(0, 3, 1, 2)
    expected = torch.cat([texture(model, y, dict(count=9)).mT for y in described])
    torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("images", [1, 3])
def test_a_map_of_a_single_pixel_has_finite_texture(images):
    model = extractor()
    x = features(images, 8, 1, 1).requires_grad_()
    _, ours = of_images(model, x)
    assert ours.shape == (images, 6)
    (ours * features(*ours.shape)).sum().backward()
    assert ours.isfinite().all()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize(
    ("texture_channels", "count", "message"),
    [
        (6, 1, "at least two levels, got count=1"),
        (1, 50, "at least two texture_channels, got 1"),
    ],
)
def test_too_few_levels_or_channels(texture_channels, count, message):
    with pytest.raises(ValueError, match=message):
        TextureExtractor(8, texture_channels, HistogramOptions(count=count))
