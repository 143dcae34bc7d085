import pytest


@pytest.fixture
def mmdets_scope():
    """Unscoped types are looked up as MMDetection's tools do."""
    from mmengine.registry import DefaultScope

    with DefaultScope.overwrite_default_scope("mmdet"):
        yield
