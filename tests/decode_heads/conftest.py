"""Builds heads and segmentors as MMSegmentation does."""

import pytest


@pytest.fixture(autouse=True)
def everywhere(mmsegs_scope):
    pass
