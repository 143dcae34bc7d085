"""What the tests of the benchmarks share."""

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "tools" / "benchmark"


@pytest.fixture
def load(monkeypatch):
    """Load a module of the benchmarks."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module
