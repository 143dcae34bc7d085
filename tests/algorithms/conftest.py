import copy

import pytest
import torch
from mmengine.structures import PixelData
from mmrazor.registry import MODELS
from mmseg.structures import SegDataSample
from toy_models import NUM_CLASSES, segmentor, sstkd

from texture_kd import components  # noqa: F401  (registers what the configs name)


@pytest.fixture
def model_config():
    """Config of a TextureDistill; changes are merged into its top level."""

    def config(weight: float = 1.0, **changes) -> dict:
        return dict(
            dict(
                _scope_="mmrazor",
                type="TextureDistill",
                architecture=segmentor(4),
                teacher=segmentor(8),
                distiller=sstkd(weight),
            ),
            **changes,
        )

    return config


@pytest.fixture
def build(model_config):
    """Build a TextureDistill from its config, seeded."""

    def built(*args, **kwargs):
        torch.manual_seed(0)
        model = MODELS.build(copy.deepcopy(model_config(*args, **kwargs)))
        model.init_weights()
        return model

    return built


@pytest.fixture
def batch():
    """What a data loader yields: two images and labels with ignored pixels."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(256, (2, 3, 32, 32), generator=generator)
    labels = torch.randint(NUM_CLASSES, (2, 1, 32, 32), generator=generator)
    labels[:, :, :4] = 255
    samples = [
        SegDataSample(
            gt_sem_seg=PixelData(data=label),
            metainfo=dict(img_shape=(32, 32), ori_shape=(32, 32)),
        )
        for label in labels
    ]
    return dict(inputs=list(images.byte()), data_samples=samples)
