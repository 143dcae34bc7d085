"""Runs MMRazor's own command-line tools under the bridge, on GPUs or CPUs.

The scripts in ``tools/`` are MMRazor's, with three things settled beforehand: the
bridge is installed, both spellings of the local rank are understood, and several
processes without a GPU talk through gloo.
"""

import os
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

from texture_kd.compat import install

__all__ = ["mmrazor_tool", "run_mmrazor_tool"]

# MMEngine wraps the model for GPUs unless it is told not to.
_CPU_WRAPPER = (
    "model_wrapper_cfg.type=MMDistributedDataParallel",
    "model_wrapper_cfg.device_ids=None",
)


def mmrazor_tool(name: str) -> Path:
    """Find a tool of MMRazor's, such as ``"train.py"``, by its path in ``tools``.

    Raises:
        ModuleNotFoundError: MMRazor is not installed.
        FileNotFoundError: the installed MMRazor has no such tool.
    """
    package = find_spec("mmrazor")
    if package is None:
        raise ModuleNotFoundError(
            "MMRazor is not installed: pip install -r requirements/mminstall.txt"
        )
    tool = Path(package.submodule_search_locations[0], ".mim", "tools", name)
    if not tool.exists():
        raise FileNotFoundError(f"The installed MMRazor has no {tool}.")
    return tool


def run_mmrazor_tool(name: str) -> None:
    """Run MMRazor's tool ``name`` with the arguments of the command line.

    Raises:
        ModuleNotFoundError: MMRazor is not installed.
        FileNotFoundError: the installed MMRazor has no such tool.
    """
    install()
    tool = mmrazor_tool(name)
    sys.argv = [str(tool), *map(_spell_local_rank, sys.argv[1:])]
    if "WORLD_SIZE" in os.environ:
        _prepare_cpu_processes()
    runpy.run_path(str(tool), run_name="__main__")
    _leave_processes()


def _leave_processes() -> None:
    """Close what joins the processes: gloo may abort one that just ends."""
    import torch

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _spell_local_rank(argument: str) -> str:
    """Turn torch >= 2's ``--local-rank`` into the spelling that MMRazor parses."""
    return argument.replace("--local-rank", "--local_rank", 1)


def _prepare_cpu_processes() -> None:
    import torch

    if torch.cuda.is_available():
        return
    torch.distributed.init_process_group("gloo")
    sys.argv += ["--cfg-options", *_CPU_WRAPPER]
    # PyTorch's SyncBatchNorm is for GPUs.
    from mmcv.cnn.bricks import norm  # noqa: F401  It registers the other.
    from mmengine.registry import MODELS

    MODELS.register_module("SyncBN", force=True, module=torch.nn.BatchNorm2d)
    if os.environ["RANK"] == "0":
        print(
            "Without a GPU each process has batch norms of its own in place of SyncBN."
        )
