"""The installed stack, mended by the bridge, behaves."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.model import BaseModel
from torch import nn


def run_python(code: str, **env: str) -> str:
    """Run ``code`` in a fresh interpreter and return what it prints."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", **env},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_import_torch_is_enough():
    out = run_python("import torch, mmrazor.models; print(torch.__version__)")
    assert out.strip() == torch.__version__


def test_mmrazor_does_not_import_without_the_bridge():
    # This is what makes the test above mean something.
    out = run_python(
        "try:\n import mmrazor.models\nexcept ImportError as e:\n print('broken', e)",
        TORCH_DEVICE_BACKEND_AUTOLOAD="0",
    )
    assert out.startswith("broken")


def test_explicit_install_replaces_the_entry_point():
    out = run_python(
        "from texture_kd.compat import install\n"
        "install(); install()\n"
        "import mmrazor.models, sys\n"
        "print(sum(type(f).__name__ == 'MendFinder' for f in sys.meta_path))",
        TORCH_DEVICE_BACKEND_AUTOLOAD="0",
    )
    assert out.strip() == "1"


def test_the_bridge_is_light():
    out = run_python(
        "import sys; before = set(sys.modules)\n"
        "import texture_kd.compat\n"
        "heavy = {'torch', 'numpy', 'mmengine', 'mmcv', 'mmseg', 'mmrazor'}\n"
        "print(sorted(heavy & (set(sys.modules) - before)))"
    )
    assert out.strip() == "[]"


def test_a_broken_bridge_does_not_break_import_torch():
    out = run_python(
        "import texture_kd.compat as compat\n"
        "def fail(): raise OSError('broken')\n"
        "compat.install = fail\n"
        "import warnings\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    import torch\n"
        "print([str(w.message) for w in caught if 'stack bridge' in str(w.message)])"
    )
    assert "OSError('broken')" in out


def test_import_torch_without_numpy():
    out = run_python(
        "import sys, warnings; sys.modules['numpy'] = None\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    import torch\n"
        "print([w for w in caught if 'stack bridge' in str(w.message)])"
    )
    assert out.strip() == "[]"


def test_import_torch_brings_no_openmmlab():
    out = run_python(
        "import sys, torch\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('mmengine', 'mmcv')])"
    )
    assert out.strip() == "[]"


def test_torch_load_is_pytorchs_own_until_mmengine_is_imported():
    out = run_python(
        "import torch; print(hasattr(torch.load, '__wrapped__'))\n"
        "import mmengine; print(hasattr(torch.load, '__wrapped__'))\n"
        "print(torch.load is torch.serialization.load)"
    )
    assert out.split() == ["False", "True", "True"]


def test_tools_of_openmmlab_read_checkpoints_without_mmengine(tmp_path):
    tool = tmp_path / "mmrazor" / ".mim" / "tool.py"
    tool.parent.mkdir(parents=True)
    tool.write_text("import torch\nprint(hasattr(torch.load, '__wrapped__'))")
    command = [sys.executable, "-W", "ignore", tool]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "True"


def test_only_the_three_quantisation_modules_read_another_version():
    from mmrazor.models.task_modules.tracer import fx_tracer
    from mmrazor.structures.quantization.backend_config import mapping

    assert fx_tracer.digit_version(torch.__version__) >= (2, 0)
    assert mapping.digit_version(torch.__version__) >= (2, 0)
    assert mapping.torch.__version__ == torch.__version__


class Network(BaseModel):
    """The least that MMRazor takes for an architecture."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, inputs, data_samples=None, mode="tensor"):
        return self.layers(inputs)


@pytest.fixture
def normalise_then_relu() -> nn.Module:
    """BatchNorm with negative outputs, then a ReLU that would overwrite them."""
    torch.manual_seed(0)
    return nn.Sequential(nn.BatchNorm2d(3), nn.Sequential(nn.ReLU(inplace=True)))


def test_recorders_store_what_the_layer_put_out(normalise_then_relu):
    from mmrazor.models.algorithms.base import BaseAlgorithm
    from mmrazor.models.task_modules import RecorderManager

    algorithm = BaseAlgorithm(Network(normalise_then_relu))
    recorders = RecorderManager(
        dict(norm=dict(type="ModuleOutputs", source="layers.0"))
    )
    recorders.initialize(algorithm.architecture)
    x = torch.randn(2, 3, 8, 8)
    with recorders:
        algorithm(x)
    recorded = recorders.get_recorder("norm").get_record_data()
    assert recorded.min() < -1
    torch.testing.assert_close(recorded, normalise_then_relu[0](x))


def test_module_inplace_option_still_keeps_it(normalise_then_relu):
    from mmrazor.models.algorithms.base import BaseAlgorithm

    BaseAlgorithm(Network(normalise_then_relu), module_inplace=True)
    assert normalise_then_relu[1][0].inplace


@pytest.fixture
def lite_ops():
    """The stand-in, where mmcv has no compiled operators."""
    import mmcv.ops

    if not hasattr(mmcv.ops, "__getattr__"):
        pytest.skip("full mmcv is installed: the stand-in stays out of the way")
    return mmcv.ops


def test_pure_operators_are_mmcvs_own(lite_ops):
    from mmcv.ops.point_sample import point_sample

    assert lite_ops.point_sample is point_sample
    grid = torch.arange(16.0).reshape(1, 1, 4, 4)
    corner = lite_ops.point_sample(grid, torch.tensor([[[0.125, 0.125]]]))
    assert corner.item() == pytest.approx(0.0)


def test_compiled_operators_say_what_they_need(lite_ops):
    with pytest.raises(RuntimeError, match="full mmcv"):
        lite_ops.sigmoid_focal_loss(None)
    with pytest.raises(ModuleNotFoundError, match=r"mmcv\.ops\.PSAMask"):
        from mmcv.ops import PSAMask  # noqa: F401
    assert not hasattr(lite_ops, "__wrapped__")


def test_mmsegs_own_fallbacks_still_work(lite_ops):
    import mmseg.models

    assert mmseg.models.decode_heads.psa_head.PSAMask is None


def test_torchvision_without_operators_is_imported_by_timm_and_mmseg():
    pytest.importorskip("timm", reason="pip install '.[backbones]'")
    out = run_python(
        "import torch\n"
        # As beside a PyTorch of another build.
        "def absent(path): raise OSError(path)\n"
        "torch.ops.load_library = absent\n"
        "import mmseg.models, torchvision\n"
        "from mmseg.models.backbones.timm_backbone import timm\n"
        "print(timm.__name__, torchvision.extension._has_ops())"
    )
    assert out.strip() == "timm False"


def test_torchvision_without_operators_is_left_alone_in_other_programs():
    pytest.importorskip("torchvision", reason="pip install '.[backbones]'")
    out = run_python(
        "import torch\n"
        "def absent(path): raise OSError(path)\n"
        "torch.ops.load_library = absent\n"
        "try: import torchvision\n"
        "except RuntimeError as error: print(error)"
    )
    assert "torchvision::nms" in out


def test_mmpretrains_backbones_need_no_torchvision():
    out = run_python(
        "import sys; sys.modules['torchvision'] = None\n"
        "import torch, mmpretrain.models\n"
        "from mmpretrain.registry import MODELS\n"
        "print('EfficientNet' in MODELS)"
    )
    assert out.strip() == "True"


@pytest.fixture(params=["DDRNet", "PIDNet"])
def two_branches(request):
    """Build a network whose branches meet at an eighth of the image."""
    from mmseg.models import backbones

    torch.manual_seed(0)
    return getattr(backbones, request.param)(channels=4, ppm_channels=4)


@pytest.mark.parametrize("size", [(65, 97), (64, 97), (61, 109)])
@pytest.mark.parametrize("training", [True, False])
def test_networks_of_two_branches_take_any_size(two_branches, size, training):
    features = two_branches.train(training)(torch.randn(2, 3, *size))
    maps = features if training else [features]
    expected = tuple(-(-side // 8) for side in size)
    assert {tuple(x.shape[2:]) for x in maps} == {expected}


def test_networks_of_two_branches_are_mmsegmentations_at_its_own_sizes(two_branches):
    images = torch.randn(2, 3, 64, 96)
    module = sys.modules[type(two_branches).__module__]
    plain = dict(module.__dict__)
    # Registered a second time, it would be refused.
    source = Path(module.__file__).read_text().replace("@MODELS.register_module()", "")
    exec(compile(source, module.__file__, "exec"), plain)
    stock = plain[type(two_branches).__name__](channels=4, ppm_channels=4)
    stock.load_state_dict(two_branches.state_dict())
    for found, expected in zip(two_branches(images), stock(images), strict=True):
        assert torch.equal(found, expected)
    with pytest.raises(RuntimeError, match="size"):
        stock(torch.randn(2, 3, 65, 96))
