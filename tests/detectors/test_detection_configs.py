"""What the configs of detectors say, as far as it can be read without MMDetection."""

import re

import pytest
from small_detection import CONFIGS, DETECTORS, NAMES

TAILS = ("4xb2-24e_dior-800x800.py", "4xb2-24e_dota-1024x1024.py")


def test_every_stage_of_the_recipe_is_there():
    expected = set()
    for net in DETECTORS:
        for tail in TAILS:
            student, teacher = (f"{net}_r{depth}-fpn" for depth in (18, 101))
            expected |= {
                f"{student}_{tail}",
                f"{teacher}_{tail}",
                f"ds2d2-amplifier_{teacher}_{tail}",
                f"ds2d2_{teacher}_{student}_{tail}",
            }
    assert set(NAMES) == expected


@pytest.mark.parametrize("name", NAMES)
def test_its_header_gives_the_commands(name):
    text = (CONFIGS / name).read_text()
    header = text.split("_base_")[0]
    assert f"mim train {'mmrazor' if 'TextureDistill' in text else 'mmdet'}" in header
    assert f"configs/{name}" in header
    assert set(re.findall(r"configs/([\w.-]+\.py)", header)) <= set(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if "ds2d2" in name])
def test_checkpoints_are_of_trainings_that_its_header_or_ours_have(name):
    text = (CONFIGS / name).read_text()
    found = re.findall(r'"work_dirs/([\w-]+)/(\w+)\.pth"', text)
    assert len(found) == (2 if "TextureDistill" in text else 1)
    for folder, epoch in found:
        assert f"{folder}.py" in NAMES
        assert epoch == "epoch_24"
