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


def test_a_checkpoint_that_is_not_there_is_named_whatever_is_checked(tmp_path):
    pair = str(STUDENT), str(STUDENT)
    absent = Wanted(*pair, tmp_path / "my.py", "response", str(tmp_path / "a.pth"))
    with pytest.raises(FileNotFoundError, match=r"checkpoint .*a\.pth does not exist"):
        composed(absent, "")
    # What is to be fetched is not looked for here, and what is there is taken.
    absent._replace(checkpoint="https://example.org/a.pth").check_paths()
    (tmp_path / "a.pth").touch()
    absent.check_paths()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("loss_weight", "abc", "given loss_weight='abc', which is no number"),
        ("loss_weight", None, "given loss_weight=None, which is no number"),
        ("levels", 7, "loss_texture: TypeError: "),
    ],
)
def test_options_of_another_kind_are_refused_in_words(tmp_path, name, value, said):
    pair = str(STUDENT), str(STUDENT)
    wanted = Wanted(*pair, tmp_path / "my.py", options={name: value})
    with pytest.raises(ValueError, match=said):
        composed(wanted, "")
