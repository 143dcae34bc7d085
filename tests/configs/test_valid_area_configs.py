"""Shipped distillers tell each loss that takes it where the images are."""

from inspect import signature
from pathlib import Path

import pytest
from mmengine.config import Config, ConfigDict
from mmrazor.registry import MODELS

from texture_kd import components  # noqa: F401  (registers what the configs name)

DISTILLERS = Path(__file__).parents[2] / "configs" / "_base_" / "distillers"


def distillers(name: str) -> list[ConfigDict]:
    """Return what a file defines, and what it is based on."""
    values = Config.fromfile(DISTILLERS / name).values()
    configs = [value for value in values if isinstance(value, ConfigDict)]
    return [c for c in configs if c.get("type") == "ConfigurableDistiller"]


@pytest.mark.parametrize("name", sorted(path.name for path in DISTILLERS.glob("*.py")))
def test_every_loss_that_takes_it_has_the_valid_area(name):
    found = distillers(name)
    assert found
    for distiller in found:
        for loss, config in distiller.distill_losses.items():
            if "valid" not in signature(MODELS.get(config.type).forward).parameters:
                continue
            record = distiller.loss_forward_mappings[loss].valid
            assert record.from_student
            assert distiller.student_recorders[record.recorder].type == "ValidArea"
