"""Every shipped config trains: one step on random images, smaller than theirs."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from mmrazor.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

from texture_kd.algorithms import TextureDistill
from texture_kd.algorithms.teacher_checkpoint import forget_checkpoints

pytestmark = pytest.mark.usefixtures("mmsegs_scope")

CONFIGS = Path(__file__).parents[2] / "configs"
# Detectors have tests of their own, in tests/detectors.
NAMES = sorted(
    path.name
    for path in CONFIGS.glob("*.py")
    if not re.search("retinanet|faster-rcnn", path.name)
)
SIDE = 64


def shrink(config: ConfigDict) -> None:
    """Make the images small; all else is as shipped."""
    for value in config.values():
        if isinstance(value, ConfigDict):
            shrink(value)
    if "SegDataPreProcessor" in str(config.get("type")):
        config.size = (SIDE, SIDE)
    if isinstance(config.get("grid"), int):
        config.grid = round(config.grid * SIDE / 513)


def build(config: Config) -> nn.Module:
    shrink(config.model)
    if config.model.type == "TextureDistill":
        # The teacher is trained by another config, or downloaded.
        forget_checkpoints(config.model)
    elif "teacher_ckpt" in config.model:
        config.model.teacher_ckpt = None
    model = MODELS.build(
        dict(config.model, _scope_=config.model.get("_scope_", "mmseg"))
    )
    return revert_sync_batchnorm(model)


def random_batch(num_classes: int) -> dict:
    images = torch.randint(256, (2, 3, SIDE, SIDE), dtype=torch.uint8)
    labels = torch.randint(num_classes, (2, 1, SIDE, SIDE))
    labels[:, :, :5] = 255
    shape = dict(img_shape=(SIDE, SIDE), ori_shape=(SIDE, SIDE))
    samples = [
        SegDataSample(
            metainfo=shape,
            gt_sem_seg=PixelData(data=label),
            # As LabelComponents has them, nearly.
            gt_components=PixelData(data=label.int()),
        )
        for label in labels
    ]
    return dict(inputs=list(images), data_samples=samples)


@pytest.mark.parametrize("name", NAMES)
def test_it_trains(name, load):
    torch.manual_seed(0)
    config = load(name)
    if "efficientnet-lite" in name:
        pytest.importorskip("timm", reason="pip install '.[backbones]'")
    model = build(config)
    distils = isinstance(model, TextureDistill)
    assert distils == ("teacher" in config.model)
    student = model.student if distils else model
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    reached = set()
    for key, parameter in trained.items():
        parameter.register_post_accumulate_grad_hook(
            lambda _, key=key: reached.add(key)
        )
    frozen = [v.clone() for v in model.teacher.buffers()] if distils else []

    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    before = student.decode_head.conv_seg.weight.detach().clone()
    log = model.train().train_step(
        random_batch(student.decode_head.num_classes), wrapper
    )

    assert all(value.isfinite().all() for value in log.values())
    # Several processes would refuse a parameter without a gradient.
    assert reached == set(trained)
    assert not torch.equal(before, student.decode_head.conv_seg.weight)
    if distils:
        losses = config.model.distiller.distill_losses
        assert {f"distill.{loss}" for loss in losses} <= set(log)
        assert not [key for key in trained if key.startswith("teacher.")]
        for old, new in zip(frozen, model.teacher.buffers(), strict=True):
            assert torch.equal(old, new)
