"""mim knows every config."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def test_the_file_is_what_the_tool_writes():
    tool = runpy.run_path(str(ROOT / "tools" / "metafile.py"))
    written = yaml.safe_load((ROOT / "configs" / "metafile.yml").read_text())
    assert written == tool["metafile"]()


# mim's own, about click.
@pytest.mark.filterwarnings("ignore")
def test_mim_finds_every_config_of_the_installed_package():
    from mim.commands.search import get_model_info

    found = get_model_info("texture_kd", shown_fields=["config"], to_dict=True)
    configs = [*ROOT.glob("configs/*.py"), *ROOT.glob("configs/super_resolution/*.py")]
    assert set(found) == {path.stem for path in configs}
    name = "sstkd_pspnet_r101_r18_cityscapes"
    assert found[name]["config"] == f"configs/{name}.py"


def test_a_wheel_has_what_mim_looks_for(tmp_path):
    build = ("-q", "build_py", "--build-lib", str(tmp_path))
    subprocess.run(
        [sys.executable, "-W", "ignore", "setup.py", *build],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    mim = tmp_path / "texture_kd" / ".mim"
    index = yaml.safe_load((mim / "model-index.yml").read_text())
    models = yaml.safe_load((mim / index["Import"][0]).read_text())["Models"]
    assert len(models) > 80
    assert all((mim / model["Config"]).is_file() for model in models)
    assert (mim / "tools" / "train.py").read_text().startswith('"""Train a distil')


# setuptools' own, about distutils.
@pytest.mark.filterwarnings("ignore")
def test_an_editable_install_refers_to_the_sources(tmp_path):
    setup = (ROOT / "setup.py").read_text().split("\nsetup(")[0]
    names = dict(__file__=str(ROOT / "setup.py"), __name__="setup")
    exec(compile(setup, "setup.py", "exec"), names)
    names["refer_to_sources"](tmp_path)
    name = "sstkd_pspnet_r101_r18_cityscapes.py"
    assert str(ROOT / "configs" / name) in (tmp_path / "configs" / name).read_text()
    assert (tmp_path / "model-index.yml").is_file()
    assert (tmp_path / "configs" / "metafile.yml").is_file()
