"""mim knows every config."""

import runpy
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
