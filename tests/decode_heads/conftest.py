"""Builds heads and segmentors as MMSegmentation does."""

import pytest
from mmengine.registry import DefaultScope


@pytest.fixture(autouse=True)
def mmsegs_scope():
    with DefaultScope.overwrite_default_scope("mmseg"):
        yield
