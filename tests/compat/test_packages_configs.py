"""Configs of an installed texture_kd are bases of others, as MMSegmentation's are."""

from pathlib import Path

from mmengine.config import Config, config

REPOSITORY = Path(__file__).parents[2]
STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"


def test_a_config_of_the_package_is_a_base(tmp_path, monkeypatch):
    # As the build lays them out.
    mim = tmp_path / "texture_kd" / ".mim"
    mim.mkdir(parents=True)
    for name in ("configs", "model-index.yml"):
        (mim / name).symlink_to(REPOSITORY / name)
    theirs = config.get_installed_path
    monkeypatch.setattr(
        config,
        "get_installed_path",
        lambda package: (
            str(tmp_path / package) if package == "texture_kd" else theirs(package)
        ),
    )
    child = tmp_path / "child.py"
    child.write_text(f"_base_ = 'texture_kd::{STUDENT}'\nrandomness = dict(seed=5)\n")
    found = Config.fromfile(child)
    base = Config.fromfile(REPOSITORY / "configs" / STUDENT)
    assert found.model == base.model
    assert found.randomness.seed == 5
