"""What the tests of several folders use."""

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).parents[1]
CONFIGS = REPOSITORY / "configs"
BENCHMARKS = REPOSITORY / "tools" / "benchmark"

# Two runs of the same code try the same examples.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")


@pytest.fixture
def load_tool(monkeypatch):
    """Load a module of tools/benchmark."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.fixture
def mmrazors_scope():
    """A runner sets the default scope and leaves it: this gives it back."""
    from mmengine.registry import DefaultScope

    with DefaultScope.overwrite_default_scope("mmrazor"):
        yield


@pytest.fixture
def mmsegs_scope():
    """Unscoped types are looked up as MMSegmentation's tools do."""
    from mmengine.registry import DefaultScope

    with DefaultScope.overwrite_default_scope("mmseg"):
        yield


@pytest.fixture
def tiny_mosaic() -> Callable:
    """Read a shipped config of the texture mosaic, with few and small images."""
    from mmengine.config import Config

    def read(name: str, work_dir: Path | str, length: int = 8, **options) -> Config:
        config = Config.fromfile(CONFIGS / name)
        pipeline = [
            dict(type="LoadTextureMosaic", size=(64, 64)),
            dict(type="PackSegInputs"),
        ]
        for split in ("train", "val", "test"):
            loader = config[f"{split}_dataloader"]
            loader.update(batch_size=2, num_workers=0, persistent_workers=False)
            loader.dataset.update(length=length, pipeline=pipeline)
        if "teacher_ckpt" in config.model:
            config.model.teacher_ckpt = None
        config.work_dir = str(work_dir)
        # MMEngine has one visualizer of a name in a process.
        config.visualizer.name = str(work_dir)
        config.merge_from_dict(options)
        return config

    return read
