"""A process that starts with all imports done is otherwise as one of a shell."""

import subprocess
import sys

import pytest
import warm

SCRIPT = """
import os
import sys

from beside import NAME
from mmrazor.registry import MODELS
from mmseg.registry import DATASETS

print(NAME, sys.argv[1:], os.getcwd(), os.environ["GIVEN"], __name__)
print([name for r in (MODELS, DATASETS) for name in r.module_dict if "Texture" in name])
sys.exit(sys.argv[1])
"""


@pytest.fixture
def command(tmp_path):
    (tmp_path / "beside.py").write_text("NAME = 'beside'")
    (tmp_path / "script.py").write_text(SCRIPT)
    return [sys.executable, "-W", "ignore", tmp_path / "script.py", "failed"]


def test_a_tool_finds_what_it_finds_in_a_shell(command, tmp_path):
    done = warm.run(command, cwd=tmp_path, env=dict(GIVEN="1"), capture_output=True)
    assert done.returncode == 1
    assert done.stderr == "failed\n"
    # What a config does not ask for is not there.
    expected = f"beside ['failed'] {tmp_path} 1 __main__\n[]\n"
    assert done.stdout == expected
    with pytest.raises(subprocess.CalledProcessError):
        warm.run(command, env=dict(GIVEN="1"), check=True)
