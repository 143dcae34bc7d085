import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import onnx
import onnxruntime
import pytest
import quick  # noqa: F401  (reads bases of MMSegmentation sooner)
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpretrain.models import EfficientNet
from mmseg.registry import MODELS
from small_segmentor import HEAD, NORM
from timm.layers import Conv2dSame
from torch import nn

from texture_kd.deploy import export_onnx, largest_difference
from texture_kd.registry import class_name

CONFIGS = Path(__file__).parents[2] / "configs"
SIZES = [(48, 80), (61, 109), (80, 32)]
TRUNCATED = dict(type="SpectralTruncationHead", grid=0.5, head=HEAD)
DEEPLAB = dict(HEAD, dilations=(1, 2))
LOW_LEVEL = dict(c1_in_channels=4, c1_channels=3)
# Backbones and heads of networks that are exported below or in tests/decode_heads.
OF_OTHER_TESTS = (
    *("ResNet", "ResNetV1c", "EfficientNet", "PSPHead", "LeanPSPHead", "DUCDLCHead"),
    *("DeepLabV3PlusHead", "DepthwiseSeparableASPPHead"),
)

# The exporter's own, about PyTorch's; the last is of what it is given.
pytestmark = pytest.mark.filterwarnings(
    "ignore", "error:Exporting a model while it is in training mode"
)


@pytest.fixture(scope="module")
def exported(segmentor, tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "psp.onnx"
    network = segmentor()
    export_onnx(network, path, (48, 80), facts=dict(classes=json.dumps(["a", "b"])))
    return network, path


def test_the_graph_is_the_network_at_any_size(exported):
    assert largest_difference(*exported, SIZES) < 1e-5


@pytest.mark.parametrize(("classes", "threshold"), [(1, 0.7), (2, 0.3)])
def test_a_head_of_one_channel_has_two_classes(segmentor, tmp_path, classes, threshold):
    options = dict(num_classes=classes, out_channels=1, threshold=threshold)
    network = segmentor(**options)
    image = torch.randn(2, 3, *SIZES[0], generator=torch.Generator().manual_seed(0))
    metas = [dict(img_shape=image.shape[2:])]
    # About as many pixels on either side of any threshold.
    last = network.decode_head.conv_seg
    with torch.no_grad():
        last.weight.mul_(2 / network.encode_decode(image, metas).std())
        last.bias.sub_(network.encode_decode(image, metas).median())
    path = tmp_path / "binary.onnx"
    export_onnx(network, path, (48, 80))
    assert largest_difference(network, path, SIZES) < 1e-5
    session = onnxruntime.InferenceSession(str(path))
    (logits,) = session.run(["logits"], dict(image=image.numpy()))
    with torch.no_grad():
        raw = network.encode_decode(image, metas)
        predicted = network.postprocess_result(raw)
    decisions = torch.cat([sample.pred_sem_seg.data for sample in predicted]).long()
    assert 0.05 < decisions.float().mean() < 0.95
    assert (raw[:, 0].sigmoid() > 0.5).ne(decisions == 1).any()
    assert logits.shape[1] == 2
    # Where rounding does not decide.
    sure = abs(logits[:, 1] - logits[:, 0]) > 1e-4 * abs(logits).max()
    assert sure.mean() > 0.9
    assert (logits.argmax(1) == decisions.numpy())[sure].all()


def test_the_lean_head_takes_any_size_too(segmentor, tmp_path):
    network = segmentor(head=dict(HEAD, type="LeanPSPHead"))
    path = tmp_path / "lean.onnx"
    export_onnx(network, path, SIZES[0])
    assert largest_difference(network, path, SIZES) < 1e-5


def test_images_are_free_in_number_and_size_and_facts_are_kept(exported):
    session = onnxruntime.InferenceSession(str(exported[1]))
    (image,), (logits,) = session.get_inputs(), session.get_outputs()
    assert (image.name, logits.name) == ("image", "logits")
    assert [isinstance(n, str) for n in image.shape] == [True, False, True, True]
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["classes"]) == ["a", "b"]


def test_the_network_stays_as_it_is(exported):
    kinds = {type(module).__name__ for module in exported[0].modules()}
    assert "AdaptiveAvgPool2d" in kinds
    assert "AdaptiveMean" not in kinds


def test_another_network_differs(exported):
    network, path = exported
    other = copy.deepcopy(network)
    with torch.no_grad():
        other.decode_head.conv_seg.bias[1] += 1
    assert largest_difference(other, path, SIZES[:1]) > 0.1


def test_nan_is_a_difference_at_any_size(exported, monkeypatch):
    network, path = exported
    encode = network.encode_decode

    def broken_once(image, metas):
        logits = encode(image, metas)
        return logits * float("nan") if tuple(image.shape[2:]) == SIZES[0] else logits

    monkeypatch.setattr(network, "encode_decode", broken_once)
    assert not largest_difference(network, path, SIZES) <= 1


def test_a_file_that_is_no_graph_and_a_size_that_is_none_are_named(exported, tmp_path):
    network, _ = exported
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no graph")
    with pytest.raises(ValueError, match="does not load the graph"):
        largest_difference(network, broken, SIZES[:1])
    with pytest.raises(ValueError, match=r"takes no image of \(0, 0\)"):
        largest_difference(network, exported[1], [(0, 0)])


@pytest.mark.parametrize(
    "head",
    [
        TRUNCATED,
        dict(HEAD, type="UPerHead", in_channels=[4, 8, 16, 32], in_index=[0, 1, 2, 3]),
        dict(DEEPLAB, type="DepthwiseSeparableASPPHead", **LOW_LEVEL),
        dict(
            TRUNCATED, grid=6, head=dict(DEEPLAB, type="DeepLabV3PlusHead", **LOW_LEVEL)
        ),
    ],
    ids=[
        "truncated",
        "upernet",
        "deeplabv3plus",
        "truncated-deeplabv3plus",
    ],
)
def test_other_heads_follow_the_size_of_the_image(segmentor, tmp_path, head):
    network = segmentor(head)
    export_onnx(network, tmp_path / "graph.onnx", (48, 80))
    assert largest_difference(network, tmp_path / "graph.onnx", SIZES) < 1e-5


def test_a_static_graph_is_for_one_size(segmentor, tmp_path):
    network = segmentor()
    export_onnx(network, tmp_path / "graph.onnx", (48, 80), static=True)
    assert largest_difference(network, tmp_path / "graph.onnx", [(48, 80)] * 2) < 1e-5
    with pytest.raises(ValueError, match=r"fails at \(61, 109\)"):
        largest_difference(network, tmp_path / "graph.onnx", [(61, 109)])


def test_padding_that_depends_on_the_size(segmentor, tmp_path, monkeypatch):
    # Width and depth of the smallest.
    monkeypatch.setitem(EfficientNet.arch_settings, "b1", (0.1, 0.1, 240))
    backbone = dict(
        type="mmpretrain.EfficientNet",
        arch="b1",
        out_indices=(2, 3, 4, 6),
        norm_cfg=NORM,
    )
    network = segmentor(dict(HEAD, in_channels=128), backbone)
    first = network.backbone.layers[0]
    timms = Conv2dSame(3, first.conv.out_channels, 3, stride=2, bias=False)
    timms.load_state_dict(first.conv.state_dict())
    first.conv = timms
    path = tmp_path / "graph.onnx"
    export_onnx(network, path, SIZES[0])
    assert largest_difference(network, path, SIZES) < 1e-5
    # By which the stock layers come to their padding.
    assert "Ceil" not in {node.op_type for node in onnx.load(path).graph.node}


def kind(network: Mapping) -> tuple[str, str]:
    """Name backbone and decode head."""
    return tuple(class_name(network[part].type) for part in ("backbone", "decode_head"))


def networks() -> Iterator:
    """Find the networks of the configs that have a part of which none was before."""
    found = []
    for path in sorted(CONFIGS.glob("_base_/models/*.py")) + sorted(
        CONFIGS.glob("_base_/teachers/*.py")
    ):
        # Detectors have an exporter of their own.
        if not re.match("retinanet|faster-rcnn", path.stem):
            config = Config.fromfile(path)
            found.append((path.stem, config.get("teacher") or config.model))
    known = {*OF_OTHER_TESTS}
    for name, network in found:
        if not known.issuperset(kind(network)):
            known.update(kind(network))
            yield pytest.param(network, id=name)


class Passed(nn.Module):
    """A block that does nothing."""

    def forward(self, x, *unused):
        return x


def shorten(network):
    """Keep one block of each kind that keeps the size, for each takes time."""
    blocks = [
        (group, name, block)
        for group in network.backbone.modules()
        if isinstance(group, nn.Sequential | nn.ModuleList)
        for name, block in group.named_children()
        if any(block.children()) and not isinstance(block, nn.Sequential)
    ]
    keeps = set()

    def note(block, inputs, output):
        if torch.is_tensor(output) and output.shape == inputs[0].shape:
            keeps.add(block)

    handles = [block.register_forward_hook(note) for *_, block in blocks]
    with torch.no_grad():
        network(torch.zeros(1, 3, 64, 96), mode="tensor")
    for handle in handles:
        handle.remove()
    kinds = set()
    for group, name, block in blocks:
        if block in keeps and type(block) in kinds:
            setattr(group, name, Passed())
        elif block in keeps:
            kinds.add(type(block))


@pytest.mark.parametrize("network", list(networks()))
def test_every_network_of_the_configs_takes_any_size(network, tmp_path):
    torch.manual_seed(0)
    config = Config(dict(model=network))
    config.merge_from_dict(dict(model=dict(pretrained=None)))
    with DefaultScope.overwrite_default_scope("mmseg"):
        built = MODELS.build(config.model).eval()
    shorten(built)
    path = tmp_path / "graph.onnx"
    export_onnx(built, path, (65, 97))
    assert largest_difference(built, path, [(61, 109), (96, 64)]) < 1e-4
