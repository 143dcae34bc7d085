"""Shipped configs of detectors on small random images."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.structures import InstanceData
from mmrazor.registry import MODELS
from torch import nn

CONFIGS = Path(__file__).parents[2] / "configs"
DETECTORS = ("retinanet", "faster-rcnn")
NAMES = sorted(
    path.name
    for path in CONFIGS.glob("*.py")
    if any(detector in path.name for detector in DETECTORS)
)
SIDE = 128


def need_mmdetection() -> None:
    """Skip a module's tests where detectors cannot be built."""
    pytest.importorskip(
        "mmdet.models",
        reason="detectors need MMDetection 3.3 and mmcv with compiled operators",
        exc_type=ImportError,
    )


def make_shallow(config: ConfigDict) -> None:
    """Give a teacher the backbone of the students, for speed."""
    config.backbone.depth = 18
    config.neck.in_channels = [64, 128, 256, 512]


def leave_checkpoints_out(config: ConfigDict) -> None:
    """Take nothing from other trainings or the net."""
    for key, value in config.items():
        if key in ("teacher_ckpt", "checkpoint", "init_cfg"):
            config[key] = None
        elif isinstance(value, ConfigDict):
            leave_checkpoints_out(value)


def build(config: ConfigDict, seed: int = 0) -> nn.Module:
    """Build and initialise a model."""
    torch.manual_seed(seed)
    model = MODELS.build(config)
    model.init_weights()
    return model


def random_batch(num_classes: int, boxes: int = 3, images: int = 2) -> dict:
    """Make what a data loader yields."""
    samples = [_sample(num_classes, boxes) for _ in range(images)]
    inputs = torch.randint(256, (images, 3, SIDE, SIDE), dtype=torch.uint8)
    return dict(inputs=list(inputs), data_samples=samples)


def _sample(num_classes: int, boxes: int):
    from mmdet.structures import DetDataSample

    shape = (SIDE, SIDE)
    meta = dict(img_shape=shape, ori_shape=shape, scale_factor=(1.0, 1.0), img_id=0)
    corner = torch.rand(boxes, 2) * SIDE / 2
    objects = InstanceData(
        bboxes=torch.cat([corner, corner + 8 + torch.rand(boxes, 2) * SIDE / 3], 1),
        labels=torch.randint(num_classes, (boxes,)),
    )
    return DetDataSample(metainfo=meta, gt_instances=objects)


def num_classes(config: Config) -> int:
    return len(config.classes)
