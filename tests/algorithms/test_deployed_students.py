"""MMSegmentation's own students, which EfficientNet-Lite2 teaches texture."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmrazor.registry import MODELS
from mmseg.structures import SegDataSample

import texture_kd.components  # noqa: F401
from texture_kd.algorithms.teacher_checkpoint import forget_checkpoints
from texture_kd.analysis.feature_grids import cells_apart

pytestmark = pytest.mark.usefixtures("mmrazors_scope")

CONFIGS = Path(__file__).parents[2] / "configs"
PAIR = "texture_deeplabv3plus_efficientnet-lite2-d16_{}_1xb8-900iters_camvid-193x257.py"
STUDENTS = (
    "pidnet-s",
    "ddrnet_23-slim",
    "segformer_mit-b0",
    "stdc1",
    "bisenetv2_fcn",
    "fast_scnn",
)
# No stride divides them, as the crops of the configs.
SIZE = (65, 97)


@pytest.fixture(params=STUDENTS)
def model(request):
    pytest.importorskip("timm", reason="pip install texture_kd[backbones]")
    torch.manual_seed(0)
    config = Config.fromfile(CONFIGS / PAIR.format(request.param))
    forget_checkpoints(config.model)
    # The runner hands the images' preparation over, in MMRazor's scope.
    prepared = dict(data_preprocessor=config.data_preprocessor)
    return MODELS.build(prepared | config.model).train()


def batch():
    labels = torch.randint(11, (2, 1, *SIZE))
    labels[:, :, :5] = 255
    samples = [
        SegDataSample(
            gt_sem_seg=PixelData(data=label),
            gt_edge_map=PixelData(data=label % 2),
            metainfo=dict(img_shape=SIZE),
        )
        for label in labels
    ]
    return torch.randn(2, 3, *SIZE), samples


def stages(model, images):
    """Return the student's features that losses compare, in their order."""
    recorders = model.distiller.student_recorders
    with recorders, torch.no_grad():
        model.student.extract_feat(images)
    found = []
    for records in model.distiller.loss_forward_mappings.values():
        record = records.get("s_feature") or records["student"]
        recorder = recorders.get_recorder(record["recorder"])
        feature = recorder.get_record_data(data_idx=record.get("data_idx"))
        found += feature if isinstance(feature, tuple | list) else [feature]
    return found


def test_texture_of_four_strides_teaches_the_backbone(model):
    images, samples = batch()
    widths = [feature.shape[3] for feature in stages(model, images)]
    # One of the networks does not pad its first layer.
    assert widths in ([25, 13, 7, 4], [24, 12, 6, 3])
    losses = model.loss(images, samples)
    backbone = [p for p in model.student.backbone.parameters() if p.requires_grad]
    found = {name: x for name, x in losses.items() if name.startswith("distill.loss")}
    assert len(found) in (1, 4)
    for name, loss in found.items():
        assert loss.isfinite()
        gradients = torch.autograd.grad(
            loss, backbone, retain_graph=True, allow_unused=True
        )
        assert sum(g.norm() for g in gradients if g is not None) > 0, name
    # The cells that are compared look at the same pixels.
    networks = model.student.eval(), model.teacher
    assert cells_apart(*networks, model.distiller, (3, *SIZE)) == []
