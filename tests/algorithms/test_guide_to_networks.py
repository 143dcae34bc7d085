"""The tables of the guide to own networks say what MMSegmentation's networks have."""

import re
from functools import cache
from pathlib import Path

import mmseg
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmrazor.registry import MODELS

import texture_kd.components  # noqa: F401

ROOT = Path(__file__).parents[2]
CONFIGS = Path(mmseg.__file__).parent / ".mim" / "configs"
# The row of the features, that of the channels, and a network that has both.
BACKBONES = [
    ("ResNet", "ResNet-18", "pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py"),
    ("ResNet", "ResNet-50", "pspnet/pspnet_r50-d8_4xb2-40k_cityscapes-512x1024.py"),
    (
        "MobileNetV2",
        "MobileNetV2",
        "mobilenet_v2/mobilenet-v2-d8_pspnet_4xb2-80k_cityscapes-512x1024.py",
    ),
    ("STDCContextPathNet", "STDC1", "stdc/stdc1_4xb12-80k_cityscapes-512x1024.py"),
    (
        "MixVisionTransformer",
        "MiT-B0",
        "segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py",
    ),
    (
        "MixVisionTransformer",
        "MiT-B1",
        "segformer/segformer_mit-b1_8xb2-160k_ade20k-512x512.py",
    ),
]
HEADS = {
    "PSPHead": CONFIGS / "pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py",
    "ASPPHead": CONFIGS / "deeplabv3/deeplabv3_r18-d8_4xb2-80k_cityscapes-512x1024.py",
    "DepthwiseSeparableASPPHead": CONFIGS
    / "deeplabv3plus/deeplabv3plus_r18-d8_4xb2-80k_cityscapes-512x1024.py",
    "DeepLabV3PlusHead": ROOT
    / "configs/deeplabv3plus_r18-w32-d32_1xb8-900iters_camvid-360x480.py",
    "UPerHead": CONFIGS / "upernet/upernet_r18_4xb2-40k_cityscapes-512x1024.py",
    "SegformerHead": CONFIGS / "segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py",
}


def table(heading: str, first: str) -> list[list[str]]:
    """Read the cells of the table under a heading whose first column has this name."""
    text = (ROOT / "docs" / "guides" / "own_networks.md").read_text()
    section = re.split(r"\n## ", text.split(f"## {heading}\n")[1])[0]
    lines = re.search(rf"\| {first} \|.*\n\|[-|]+\n((?:\|.*\n)+)", section)[1]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines.splitlines()
    ]


def row(cells: list[list[str]], name: str) -> list[str]:
    (found,) = (row for row in cells if re.search(rf"\b{name}\b", row[0]))
    return found[1:]


@cache
def network(path: Path) -> torch.nn.Module:
    config = Config.fromfile(path).model
    config.update(pretrained=None)
    config.backbone.pop("init_cfg", None)
    with DefaultScope.overwrite_default_scope("mmseg"):
        return MODELS.build(config).eval()


def outputs(model: torch.nn.Module, *names: str) -> list:
    """What the named modules give for an image of 64x64, and the network itself."""
    seen = {}
    hooks = [
        model.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: seen.update({name: output})
        )
        for name in set(names)
    ]
    with torch.no_grad():
        result = model(torch.randn(1, 3, 64, 64), mode="tensor")
    for hook in hooks:
        hook.remove()
    return [*(seen[name] for name in names), result]


@pytest.mark.parametrize(("features", "channels", "config"), BACKBONES)
def test_stages_are_where_the_guide_says(features, channels, config):
    cells = row(table("Features of backbones", "backbone"), features)
    paths = [re.findall(r"`(.*?)`", cell) for cell in cells]
    found = outputs(network(CONFIGS / config), *(path[0] for path in paths))
    for path, output, stride, expected in zip(
        paths,
        found,
        (4, 8, None),
        row(table("Features of backbones", "network"), channels),
        strict=False,
    ):
        if len(path) > 1:
            output = output[int(path[1].removeprefix("data_idx="))]
        assert output.shape[1] == int(expected.split()[0])
        assert stride is None or output.shape[2:] == (64 // stride, 64 // stride)


@pytest.mark.parametrize("head", HEADS)
def test_logits_and_last_features_are_where_the_guide_says(head):
    cells = row(table("Decode heads", "head"), head)
    logits, last = (cell.strip("`") for cell in cells)
    model = network(HEADS[head])
    assert type(model.decode_head).__name__ == head
    recorded, feature, result = outputs(model, logits, last)
    assert torch.equal(recorded, result)
    # Nothing but dropout stands between the last feature and the classifier.
    torch.testing.assert_close(model.decode_head.conv_seg(feature), recorded)
