"""MMRazor's tools, run under the bridge."""

import sys

import torch.distributed

from texture_kd.compat import launch

TOOL = """
import torch.distributed as dist

dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
"""


def test_no_process_group_outlives_its_tool(monkeypatch, tmp_path):
    tool = tmp_path / "tool.py"
    tool.write_text(TOOL)
    monkeypatch.setattr(launch, "mmrazor_tool", lambda name: tool)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    launch.run_mmrazor_tool("train.py")
    assert not torch.distributed.is_initialized()
