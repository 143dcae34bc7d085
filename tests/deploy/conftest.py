"""Small segmentors of MMSegmentation."""

import pytest
import torch
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from small_segmentor import BACKBONE, HEAD

import texture_kd.components  # noqa: F401
from texture_kd.compat import install

install()


@pytest.fixture(scope="session")
def segmentor():
    """Build a segmentor in evaluation mode, with a decode head's options changed."""

    def build(head=None, backbone=BACKBONE, **options):
        torch.manual_seed(0)
        config = dict(
            type="EncoderDecoder",
            data_preprocessor=dict(
                type="SegDataPreProcessor",
                mean=[1.0, 2.0, 3.0],
                std=[4.0, 5.0, 6.0],
                bgr_to_rgb=True,
                size=(48, 80),
            ),
            backbone=dict(backbone),
            decode_head=dict(head or HEAD, **options),
            test_cfg=dict(mode="whole"),
        )
        with DefaultScope.overwrite_default_scope("mmseg"):
            return MODELS.build(config).eval()

    return build
