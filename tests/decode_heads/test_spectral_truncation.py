"""A truncated head is the stock head on a smaller grid."""

import copy
import io
import pickle
import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.models.decode_heads import PSPHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

import texture_kd.components  # noqa: F401
from texture_kd.decode_heads import SpectralTruncationHead, truncation_options
from texture_kd.functional import band_limit

SHARED = dict(channels=4, num_classes=3, norm_cfg=dict(type="BN"), align_corners=False)
LAST = dict(SHARED, in_channels=6, in_index=3)
LOW = dict(LAST, dilations=(1, 2), c1_in_channels=3, c1_channels=2)
ALL = dict(SHARED, in_channels=[3, 4, 5, 6], in_index=[0, 1, 2, 3])
STOCK = dict(
    fcn=dict(LAST, type="FCNHead", num_convs=1),
    psp=dict(LAST, type="PSPHead"),
    aspp=dict(LAST, type="ASPPHead", dilations=(1, 2)),
    deeplab=dict(LOW, type="DepthwiseSeparableASPPHead"),
    plain_deeplab=dict(LOW, type="DeepLabV3PlusHead"),
    uper=dict(ALL, type="UPerHead"),
    segformer=dict(ALL, type="SegformerHead"),
    several=dict(
        SHARED,
        type="FCNHead",
        in_channels=(5, 6),
        in_index=(-2, -1),
        input_transform="resize_concat",
    ),
)


def features(images=2):
    sizes = [(16, 12), (8, 6), (8, 6), (8, 6)]
    return [torch.randn(images, 3 + i, *size) for i, size in enumerate(sizes)]


def build(head, **options):
    torch.manual_seed(0)
    config = dict(type="SpectralTruncationHead", head=head, **options)
    return MODELS.build(
        copy.deepcopy(config) if options else copy.deepcopy(head)
    ).eval()


@pytest.mark.parametrize("mode", ["bilinear", "area", "fourier"])
@pytest.mark.parametrize("name", STOCK)
def test_on_the_features_own_grid_it_is_the_stock_head(name, mode):
    stock = build(STOCK[name])
    truncated = build(STOCK[name], grid=1.0, mode=mode)
    assert isinstance(truncated, type(stock))
    truncated.load_state_dict(stock.state_dict())
    x = features()
    assert torch.equal(truncated(x), stock(x))


@pytest.mark.parametrize("mode", ["bilinear", "area", "fourier"])
@pytest.mark.parametrize("name", ["fcn", "psp", "aspp", "several"])
def test_it_is_the_stock_head_on_truncated_features(name, mode):
    stock = build(STOCK[name])
    truncated = build(STOCK[name], grid=(5, 4), mode=mode)
    truncated.load_state_dict(stock.state_dict())
    x = features()
    expected = stock(x[:2] + [band_limit(y, (5, 4), mode) for y in x[2:]])
    actual = truncated(x)
    assert actual.shape == (2, 3, 5, 4)
    assert torch.equal(actual, expected)


@pytest.mark.parametrize("name", ["deeplab", "plain_deeplab"])
def test_deeplabs_low_level_feature_is_truncated_and_its_other_is_small_already(name):
    stock = build(STOCK[name])
    truncated = build(STOCK[name], grid=(9, 7))
    truncated.load_state_dict(stock.state_dict())
    x = features()
    expected = stock([band_limit(x[0], (9, 7)), *x[1:]])
    assert expected.shape == (2, 3, 9, 7)
    assert torch.equal(truncated(x), expected)


def test_aligned_corners_are_the_heads():
    head = dict(STOCK["fcn"], align_corners=True)
    truncated = build(head, grid=(4, 3))
    x = features()
    expected = band_limit(x[3], (4, 3), align_corners=True)
    assert torch.equal(truncated.truncate(x)[3], expected)
    build(head, grid=(4, 3), mode="area")(x)


@pytest.mark.parametrize(
    ("name", "share", "size"),
    [
        ("fcn", 0.5, (4, 3)),
        ("fcn", 0.3, (3, 2)),
        ("deeplab", 0.5, (8, 6)),
        ("uper", 0.5, (8, 6)),
    ],
)
def test_a_share_is_of_the_largest_feature_that_is_read(name, share, size):
    assert build(STOCK[name], grid=share)(features()).shape[-2:] == size


@pytest.mark.parametrize(
    ("n", "share", "grid"), [(129, 0.5, 65), (129, 0.25, 33), (100, 0.07, 7)]
)
def test_shares_are_rounded_up_to_the_papers_grids(n, share, grid):
    head = build(STOCK["fcn"], grid=share)
    x = [torch.zeros(1, 6, n, n)] * 4
    assert head.truncate(x)[3].shape[-2:] == (grid, grid)


def test_what_the_head_does_not_read_is_left():
    x = features()
    truncated = build(STOCK["fcn"], grid=3).truncate(x)
    assert all(a is b for a, b in zip(truncated[:3], x[:3], strict=True))
    assert truncated[3].shape[-2:] == (3, 3)


def test_gradients_reach_the_features():
    x = [y.requires_grad_() for y in features()]
    build(STOCK["uper"], grid=0.5)(x).sum().backward()
    assert all(y.grad.abs().sum() > 0 for y in x)


def test_copies_and_pickles_are_alike():
    head = build(STOCK["psp"], grid=3)
    x = features()
    for other in (copy.deepcopy(head), pickle.loads(pickle.dumps(head))):
        assert type(other) is type(head)
        assert torch.equal(other(x), head(x))
        assert other.conv_seg.weight is not head.conv_seg.weight
    assert type(head).__name__ == "TruncatedPSPHead"
    assert type(build(STOCK["psp"], grid=2)) is type(head)


def test_a_scope_in_the_heads_config_will_do():
    head = dict(STOCK["psp"], _scope_="mmseg")
    assert isinstance(SpectralTruncationHead(3, head), PSPHead)


def test_a_stock_heads_config_is_that_of_one_on_its_own_grid():
    stock = STOCK["psp"]
    truncated = dict(type="texture_kd.SpectralTruncationHead", grid=3, head=stock)
    assert truncation_options(stock) == dict(grid=1.0, head=stock)
    assert truncation_options(truncated) == dict(grid=3, head=stock)


def test_a_head_that_reads_no_features_is_named():
    head = build(STOCK["fcn"], grid=3)
    for inputs in (torch.randn(2, 6, 8, 8), [torch.randn(6, 8, 8)] * 4):
        with pytest.raises(ValueError, match="FCNHead was given something else"):
            head(inputs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(grid=0), "expected a grid in samples"),
        (dict(grid=True), "expected a grid in samples"),
        (dict(grid=(3, 4, 5)), "expected a grid in samples"),
        (dict(grid=1.5), "expected a grid in samples"),
        (dict(grid=(0.5, 0.5)), "expected a grid in samples"),
        (dict(grid=3, mode="cubic"), "expected mode among"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SpectralTruncationHead(head=STOCK["fcn"], **options)


@pytest.mark.parametrize("head", [None, dict(channels=4), dict(type="ResNet")])
def test_what_is_no_decode_head_is_refused(head):
    with pytest.raises(ValueError, match="needs the config of a decode head"):
        SpectralTruncationHead(grid=3, head=head)


def test_a_class_will_do_for_the_type():
    assert isinstance(SpectralTruncationHead(3, dict(LAST, type=PSPHead)), PSPHead)


def test_a_grid_larger_than_the_features_is_refused():
    with pytest.raises(
        ValueError, match=r"\(9, 9\) .* is larger than .*\(8, 6\).*a share"
    ):
        build(STOCK["fcn"], grid=9)(features())


def segmentor(**changes):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type="EncoderDecoder",
            backbone=dict(
                type="ResNetV1c",
                depth=18,
                base_channels=4,
                stem_channels=4,
                strides=(1, 2, 1, 1),
                dilations=(1, 1, 2, 4),
            ),
            decode_head=dict(
                type="SpectralTruncationHead",
                grid=0.5,
                head=dict(LAST, type="PSPHead", in_channels=32),
            ),
            **changes,
        )
    )
    model.init_weights()
    return model.eval()


def sample(size):
    data = SegDataSample(gt_sem_seg=PixelData(data=torch.randint(3, (1, *size))))
    data.set_metainfo(dict(img_shape=size, ori_shape=size, pad_shape=size))
    return data


@pytest.mark.parametrize(
    "options",
    [
        dict(),
        dict(align_corners=True),
        dict(sampler=dict(type="OHEMPixelSampler", thresh=0.7, min_kept=20)),
    ],
)
def test_losses_and_predictions_are_the_stock_heads_on_truncated_features(options):
    config = dict(STOCK["psp"], **options)
    stock, truncated = build(config), build(config, grid=3)
    truncated.load_state_dict(stock.state_dict())
    x, samples = features(), [sample((32, 24)), sample((32, 24))]
    for each in samples:
        each.gt_sem_seg.data[:, :5] = 255
    corners = config["align_corners"]
    small = [*x[:3], band_limit(x[3], (3, 3), align_corners=corners)]
    expected, actual = stock.loss(small, samples, {}), truncated.loss(x, samples, {})
    assert set(actual) == {"loss_ce", "acc_seg"}
    assert all(torch.equal(actual[key], expected[key]) for key in expected)
    metas = [each.metainfo for each in samples]
    assert torch.equal(truncated.predict(x, metas, {}), stock.predict(small, metas, {}))


def test_an_auxiliary_head_may_be_truncated_too():
    auxiliary = dict(LAST, type="FCNHead", in_channels=16, in_index=2)
    wrapped = dict(type="SpectralTruncationHead", grid=0.25, head=auxiliary)
    model, size = segmentor(auxiliary_head=wrapped), (64, 48)
    losses = model.loss(torch.randn(2, 3, *size), [sample(size), sample(size)])
    (losses["decode.loss_ce"] + losses["aux.loss_ce"]).backward()
    assert model.auxiliary_head.conv_seg.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "test_cfg",
    [
        dict(mode="whole"),
        dict(mode="slide", crop_size=(32, 32), stride=(16, 16)),
    ],
)
def test_inference_on_the_own_grid_is_the_stock_heads(test_cfg):
    model, size = segmentor(test_cfg=ConfigDict(test_cfg)), (64, 48)
    image = torch.randn(1, 3, *size)

    def logits(head):
        model.decode_head = head
        with torch.no_grad():
            return model.predict(image, [sample(size)])[0].seg_logits.data

    config = dict(LAST, type="PSPHead", in_channels=32)
    stock, whole, half = build(config), build(config, grid=1.0), build(config, grid=0.5)
    for head in (whole, half):
        head.load_state_dict(stock.state_dict())
    assert torch.equal(logits(whole), logits(stock))
    assert logits(half).shape == (3, *size)
    assert not torch.equal(logits(half), logits(stock))


def test_several_scales_and_flips_at_test_time():
    model = SegTTAModel(
        module=segmentor(test_cfg=ConfigDict(mode="whole")),
        data_preprocessor=dict(type="SegDataPreProcessor"),
    )
    sizes, flips = [(32, 24), (64, 48), (64, 48)], [False, False, True]
    data = [sample(size) for size in sizes]
    for each, flip in zip(data, flips, strict=True):
        each.set_metainfo(
            dict(
                img_path="",
                ori_shape=(64, 48),
                flip=flip,
                flip_direction="horizontal",
            )
        )
    inputs = [torch.randn(1, 3, *size) for size in sizes]
    with torch.no_grad():
        (result,) = model.test_step(
            dict(inputs=inputs, data_samples=[[each] for each in data])
        )
    assert result.pred_sem_seg.data.shape[-2:] == (64, 48)


@pytest.mark.parametrize("mode", ["bilinear", "area", "fourier"])
def test_it_exports_to_onnx(mode):
    head = build(STOCK["psp"], grid=0.5, mode=mode)
    x = features(1)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(head, (x,), file, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(file.getvalue())
    names = [node.name for node in session.get_inputs()]
    values = [feature.numpy() for feature in x]
    (logits,) = session.run(None, dict(zip(names, values, strict=True)))
    np.testing.assert_allclose(logits, head(x).detach().numpy(), atol=1e-5)
