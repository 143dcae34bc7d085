"""What is refused before files are written."""

from pathlib import Path

import pytest
from mmengine.config import Config

from texture_kd import components  # noqa: F401  (registers what the configs name)
from texture_kd.compose import Wanted, composed

CONFIGS = Path(__file__).parents[2] / "configs"
STUDENT = CONFIGS / "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"


def test_configs_that_are_read_are_not_written_over(tmp_path):
    own = tmp_path / "my_student.py"
    wanted = Wanted(str(own), str(STUDENT), tmp_path / "my.py")
    with pytest.raises(ValueError, match=r"my_student\.py would be written over"):
        composed(wanted, "")


def test_a_training_without_a_length(tmp_path):
    config = Config.fromfile(STUDENT)
    config.pop("train_cfg")
    own = tmp_path / "own.py"
    own.write_text(config.pretty_text)
    wanted = Wanted(str(own), str(own), tmp_path / "my.py", "response")
    with pytest.raises(ValueError, match="give its config a train_cfg"):
        composed(wanted, "")


def test_data_without_validation_is_refused(tmp_path):
    data = tmp_path / "data.py"
    data.write_text("train_dataloader = dict()\n")
    wanted = Wanted(str(STUDENT), str(STUDENT), tmp_path / "my.py", data=str(data))
    with pytest.raises(ValueError, match="has no val_dataloader"):
        composed(wanted, "")
