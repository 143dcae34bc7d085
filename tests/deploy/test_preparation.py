"""Images are prepared by what a graph says of itself as the network has them."""

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmcv.transforms import Normalize
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from PIL import Image
from small_segmentor import BACKBONE

from texture_kd.deploy import preparation

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "export.md"
SIZE = (6, 9)
NORMALISE = dict(type="Normalize", mean=[10, 20, 30], std=[2, 3, 4], to_rgb=True)
NESTED = dict(type="TestTimeAug", transforms=[[dict(type="Resize"), NORMALISE]])


@pytest.fixture
def prepared(segmentor):
    """A network of so many channels, with the options of its data preprocessor."""

    def build(channels: int, **options):
        network = segmentor(backbone=dict(BACKBONE, in_channels=channels))
        with DefaultScope.overwrite_default_scope("mmseg"):
            config = dict(type="SegDataPreProcessor", **options)
            network.data_preprocessor = MODELS.build(config)
        return network

    return build


def fed_by_the_recipe(facts, tmp_path, monkeypatch) -> np.ndarray:
    """Run the guide's recipe on its image, and return what it gives a graph."""
    fed = []

    def run(names, inputs):
        fed.append(inputs["image"])
        return [np.zeros((1, 2, *SIZE))]

    known = {name: json.dumps(value) for name, value in facts._asdict().items()}
    metadata = SimpleNamespace(custom_metadata_map=known)
    session = SimpleNamespace(run=run, get_modelmeta=lambda: metadata)
    runtime = SimpleNamespace(InferenceSession=lambda path: session)
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    monkeypatch.chdir(tmp_path)
    text = GUIDE.read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```python\n(import json.*?)```", text, re.S)
    exec(recipe, {})
    return fed[0]


@pytest.mark.parametrize(
    ("channels", "options", "pipeline"),
    [
        (3, dict(mean=[1, 2, 3], std=[4, 5, 6], bgr_to_rgb=True), []),
        (3, dict(mean=[1, 2, 3], std=[4, 5, 6]), []),
        (3, dict(mean=[7], std=[2]), []),
        (3, dict(), []),
        (3, dict(bgr_to_rgb=True), []),
        (1, dict(mean=[100], std=[50]), []),
        (1, dict(), []),
        (4, dict(mean=[1, 2, 3, 4], std=[4, 5, 6, 7]), []),
        (2, dict(mean=[1, 2], std=[4, 5]), []),
        (2, dict(), []),
        (5, dict(mean=[1, 2, 3, 4, 5], std=[4, 5, 6, 7, 8]), []),
        (5, dict(mean=[9], std=[4]), []),
        (3, dict(), [NORMALISE]),
        (3, dict(), [NESTED]),
        (3, dict(), [dict(NORMALISE, to_rgb=False)]),
        (3, dict(), [dict(NORMALISE, type=Normalize)]),
        (3, dict(bgr_to_rgb=True), [NORMALISE]),
        (3, dict(bgr_to_rgb=True), [dict(NORMALISE, to_rgb=False)]),
    ],
)
def test_the_recipe_prepares_as_the_training(
    prepared, tmp_path, monkeypatch, channels, options, pipeline
):
    network = prepared(channels, **options)
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(*SIZE, channels), dtype=np.uint8)
    image = pixels
    if channels in (2, 5):
        np.save(tmp_path / "image.npy", pixels)
    else:
        mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
        Image.fromarray(pixels.squeeze(), mode).save(tmp_path / "image.png")
    if channels in (3, 4):
        # As OpenCV reads it.
        image = pixels[..., [2, 1, 0, 3][:channels]]
    if pipeline:
        step = pipeline[0]
        step = step["transforms"][0][1] if "transforms" in step else step
        step = {key: value for key, value in step.items() if key != "type"}
        image = Normalize(**step)(dict(img=image))["img"]
    tensor = torch.from_numpy(image.transpose(2, 0, 1).copy())
    data = dict(inputs=[tensor], data_samples=None)
    expected = network.data_preprocessor(data)["inputs"]
    found = fed_by_the_recipe(preparation(network, pipeline), tmp_path, monkeypatch)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.float(), rtol=1e-5, atol=1e-5)


def test_what_is_normalised_twice_is_refused(prepared):
    network = prepared(3, mean=[1, 2, 3], std=[4, 5, 6])
    with pytest.raises(ValueError, match="normalised more than once"):
        preparation(network, [NESTED])
