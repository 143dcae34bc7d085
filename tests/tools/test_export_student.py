import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest
import torch
import warm
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS

import texture_kd.components  # noqa: F401

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "export_student.py"
MOSAIC = "sstkd_pspnet_r18-w32-d8_pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
HALF = MOSAIC.replace("w16-d8_", "w16-d8-half_")
CITYSCAPES = "sstkd_pspnet_r101_r18_cityscapes.py"

# A Python that has MMSegmentation, and neither MMRazor nor our components.
ALONE = """
import sys
import warnings

warnings.simplefilter("ignore")
import numpy as np
import torch

class Refuse:
    def find_spec(self, name, path=None, target=None):
        ours = name.startswith("texture_kd") and "compat" not in name
        if name.split(".")[0] == "mmrazor" or (ours and name != "texture_kd"):
            raise ImportError(f"{name} is not installed")

from texture_kd.compat import install
install()
sys.meta_path.insert(0, Refuse())
from mmseg.apis import inference_model, init_model

small = {"test_pipeline.1.scale": (96, 64)}
model = init_model(sys.argv[1], sys.argv[2], device="cpu", cfg_options=small)
image = np.arange(64 * 96 * 3, dtype=np.uint8).reshape(64, 96, 3)
result = inference_model(model, image)
print(len(model.dataset_meta["classes"]))
torch.save(result.seg_logits.data, sys.argv[3])
"""


def export(*arguments, ok=True):
    result = warm.run(
        [sys.executable, str(TOOL), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | dict(PYTHONWARNINGS="ignore"),
        check=False,
    )
    assert (result.returncode == 0) == ok, result.stderr
    return result.stdout if ok else result.stderr


def trained(name, path, change=lambda state: state):
    """Write what a distillation would, and return its student."""
    config = Config.fromfile(ROOT / "configs" / name)
    text = config.pretty_text  # before building, which writes into it
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        student = MODELS.build(config.model.architecture).eval()
    for buffer in student.buffers():
        if buffer.dtype.is_floating_point and buffer.ndim == 1:
            buffer.uniform_(0.5, 1.5)
    state = {f"architecture.{k}": v for k, v in student.state_dict().items()}
    state["distiller.connectors.some.weight"] = torch.ones(3)
    classes = [f"class {i}" for i in range(student.decode_head.num_classes)]
    meta = dict(cfg=text, iter=7, dataset_meta=dict(classes=classes))
    torch.save(dict(meta=meta, state_dict=change(state), optimizer={}), path)
    return student


def logits(network, image):
    with torch.no_grad():
        return network.encode_decode(image, [dict(img_shape=image.shape[2:])])


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory):
    path = tmp_path_factory.mktemp("mosaic") / "iter_400.pth"
    return trained(MOSAIC, path), path


def test_mmsegmentation_alone_loads_and_tests_it(tmp_path):
    student = trained(CITYSCAPES, tmp_path / "iter_7.pth")
    said = export(tmp_path / "iter_7.pth", "-o", tmp_path / "out" / "student.pth")
    assert "PSPHead, 19 classes" in said
    assert "without test data" not in said
    weights, config = (tmp_path / "out" / f"student.{end}" for end in ("pth", "py"))
    written = torch.load(weights, weights_only=True)
    assert written["state_dict"].keys() == student.state_dict().keys()
    assert written["meta"]["iter"] == 7
    text = config.read_text()
    assert "texture_kd" not in text
    assert "mmrazor" not in text
    assert Config.fromfile(config).test_dataloader.dataset.type == "CityscapesDataset"

    found = tmp_path / "logits.pth"
    printed = subprocess.run(
        [sys.executable, "-c", ALONE, str(config), str(weights), str(found)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip().endswith("19")
    image = torch.arange(64 * 96 * 3).remainder(256).reshape(64, 96, 3).permute(2, 0, 1)
    expected = logits(
        student, student.data_preprocessor(dict(inputs=[image]))["inputs"]
    )
    torch.testing.assert_close(torch.load(found, weights_only=True), expected[0])


def test_a_graph_says_how_images_are_prepared_and_is_the_student(mosaic, tmp_path):
    student, checkpoint = mosaic
    said = export(checkpoint, "-o", tmp_path / "student.onnx")
    assert "128x128, 141x157, 160x192" in said
    session = onnxruntime.InferenceSession(str(tmp_path / "student.onnx"))
    image = torch.randn(1, 3, 97, 60)
    (found,) = session.run(None, dict(image=image.numpy()))
    torch.testing.assert_close(
        torch.from_numpy(found), logits(student, image), rtol=1e-4, atol=1e-5
    )
    facts = session.get_modelmeta().custom_metadata_map
    facts = {name: json.loads(value) for name, value in facts.items()}
    prepare = student.data_preprocessor
    assert facts["mean"] == prepare.mean.flatten().tolist()
    assert facts["std"] == prepare.std.flatten().tolist()
    assert facts["channels"] == "RGB"
    assert facts["classes"][11] == "class 11"


def test_test_data_of_this_package_are_left_out_and_named(mosaic, tmp_path):
    said = export(mosaic[1], "-o", tmp_path / "student.pth")
    assert "without test data" in said
    assert "TextureMosaicDataset" in said
    config = Config.fromfile(tmp_path / "student.py")
    assert "test_dataloader" not in config
    assert [step.type for step in config.test_pipeline] == [
        "LoadImageFromFile",
        "PackSegInputs",
    ]


def test_a_head_of_this_package_is_no_part_of_mmsegmentation(tmp_path):
    trained(HALF, tmp_path / "iter_7.pth")
    out = tmp_path / "student.pth"
    said = export(tmp_path / "iter_7.pth", "-o", out, ok=False)
    assert "does not have SpectralTruncationHead: export to .onnx" in said
    assert not out.exists()


def lacking(state):
    del state["architecture.decode_head.conv_seg.weight"]
    return state


def test_weights_that_do_not_fit_are_named(tmp_path):
    trained(MOSAIC, tmp_path / "iter_7.pth", lacking)
    said = export(tmp_path / "iter_7.pth", "-o", tmp_path / "student.pth", ok=False)
    assert "do not fit" in said
    assert "decode_head.conv_seg.weight" in said


def test_a_checkpoint_cannot_have_anything_called(tmp_path):
    path, trace = tmp_path / "iter_7.pth", tmp_path / "trace"
    trained(MOSAIC, path)
    content = torch.load(path, weights_only=True)
    hostile = f"dict(type='os.system', command='touch {trace}')"
    for part in (f"model = dict(backbone={hostile})", f"test_pipeline = [{hostile}]"):
        cfg = f"{content['meta']['cfg']}\n{part}\n"
        torch.save(dict(content, meta=dict(content["meta"], cfg=cfg)), path)
        said = export(path, "-o", tmp_path / "student.pth", ok=False)
        assert "no registry has" in said
        assert "os.system" in said
    assert not trace.exists()


def test_nothing_but_an_export_is_overwritten(mosaic, tmp_path):
    out = tmp_path / "student.pth"
    out.with_suffix(".py").write_text("mine = True\n")
    assert "was not exported" in export(mosaic[1], "-o", out, ok=False)
    assert out.with_suffix(".py").read_text() == "mine = True\n"
    said = export(mosaic[1], "-o", mosaic[1], ok=False)
    assert "is the checkpoint itself" in said


def test_another_kind_of_file_is_refused(mosaic, tmp_path):
    said = export(mosaic[1], "-o", tmp_path / "student.tflite", ok=False)
    assert "a .pth or an .onnx file" in said


def test_a_graph_that_differs_is_not_kept(mosaic, tmp_path, monkeypatch):
    tool = runpy.run_path(str(TOOL))
    out = tmp_path / "student.onnx"
    out.write_text("an older one")
    checkpoint = dict(meta=dict(cfg="model = dict(type='EncoderDecoder')"))
    wrong = lambda *_: 0.5  # noqa: E731
    monkeypatch.setattr("texture_kd.deploy.largest_difference", wrong)
    monkeypatch.setattr(
        "texture_kd.deploy.export_onnx", lambda network, path, *_: path.write_text("")
    )
    with pytest.raises(ValueError, match=r"differ by 0\.5.*--static"):
        tool["write_graph"](mosaic[0], checkpoint, out, (128, 128), False)
    assert out.read_text() == "an older one"
    assert os.listdir(tmp_path) == ["student.onnx"]


@pytest.mark.parametrize(
    ("static", "expected"), [(False, "of any size, which may take"), (True, "of one")]
)
def test_it_says_what_it_does_before_that_takes_its_time(
    mosaic, tmp_path, monkeypatch, capsys, static, expected
):
    tool = runpy.run_path(str(TOOL))
    checkpoint = dict(meta=dict(cfg="model = dict(type='EncoderDecoder')"))
    said = []

    def export_onnx(network, path, *_):
        said.append(capsys.readouterr().err)
        path.write_text("graph")

    monkeypatch.setattr("texture_kd.deploy.export_onnx", export_onnx)
    monkeypatch.setattr("texture_kd.deploy.largest_difference", lambda *_: 0.0)
    out = tmp_path / "student.onnx"
    tool["write_graph"](mosaic[0], checkpoint, out, (128, 128), static)
    (before,) = said
    assert before.startswith(f"Tracing a graph for images {expected}")
    assert out.read_text() == "graph"
