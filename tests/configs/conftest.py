"""Reads each shipped config once."""

import copy
import functools
from collections.abc import Callable
from pathlib import Path

import pytest
import quick  # noqa: F401
from mmengine.config import Config

CONFIGS = Path(__file__).parents[2] / "configs"


@functools.cache
def read(name: str) -> Config:
    """Read a config and import what it names."""
    return Config.fromfile(CONFIGS / name)


@pytest.fixture
def load() -> Callable[[str], Config]:
    """Return a function that loads a config of a name, for the caller to change."""
    return lambda name: copy.deepcopy(read(name))
