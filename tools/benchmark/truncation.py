"""Time DeepLabV3+ of the spectral analysis with its decoder on smaller grids.

python tools/benchmark/truncation.py [--grids N ...] [--crop N] [--repeats R]
    [--threads T] [--out FOLDER]

Writes truncation.md and truncation.csv, for the CPU and, where there is one, a GPU.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from measure import (
    Spread,
    Table,
    command_line,
    devices,
    interleave,
    machine,
    ratios,
    write_report,
)
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from torch import nn

from texture_kd.compat import install

CONFIGS = Path(__file__).parents[2] / "configs"
CONFIG = "deeplabv3plus_r101-d32{}_1xb8-132k_voc12aug-513x513.py"
STOCK = "no truncation"
NOTE = """\
Written by `{command}`: one image of {crop} x {crop} in float32, random weights.

Forward passes are timed in turn, {repeats} rounds after two to warm up: medians, with
quartiles in brackets. The ratio is to the network without truncation in the same round.
Operations are MMEngine's count, two a multiply-accumulate."""


def main() -> None:
    """Measure on every device and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grids", type=int, nargs="+", default=[129, 65, 33])
    parser.add_argument("--crop", type=int, default=513)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=Path("work_dirs/benchmark"))
    args = parser.parse_args()
    if min(*args.grids, args.crop, args.repeats, args.threads) < 1:
        parser.error("all numbers are at least 1")
    torch.set_num_threads(args.threads)
    install()
    tables = [
        Table(f"Forward pass, {device.type}", measure(args, device))
        for device in devices()
    ]
    facts = "\n".join(f"- {machine(device)}" for device in devices())
    note = NOTE.format(command=command_line(), crop=args.crop, repeats=args.repeats)
    lines = ["# Truncated decoders", facts, note]
    print(write_report(args.out, "truncation", lines, tables))


@torch.no_grad()
def measure(
    args: argparse.Namespace, device: torch.device
) -> Sequence[dict[str, str | float | Spread]]:
    """Time the network on each grid.

    Args:
        args: of the command line.
        device: where to compute.

    Returns:
        A row for each grid.
    """
    from texture_kd.analysis.operations import count_gflops

    models = {STOCK: build(None)}
    models |= {f"{grid} x {grid}": build(grid) for grid in args.grids}
    flops = {
        name: count_gflops(model, (args.crop, args.crop))
        for name, model in models.items()
    }
    image = torch.randn(1, 3, args.crop, args.crop, device=device)
    models = {name: model.to(device) for name, model in models.items()}
    calls = {
        name: (lambda model=model: model(image, mode="tensor"))
        for name, model in models.items()
    }
    seconds = interleave(calls, args.repeats, device)
    relative = ratios(seconds, STOCK)
    return [
        {
            "decoder": name,
            "GFLOPs": flops[name],
            "of all": flops[name] / flops[STOCK],
            "time, ms": Spread.of(seconds[name]).scaled(1e3),
            "ratio": Spread.of(relative[name]),
        }
        for name in models
    ]


def build(grid: int | None) -> nn.Module:
    """Build the network with random weights, truncated to a grid or not at all."""
    from mmseg.registry import MODELS

    import texture_kd.components  # noqa: F401

    suffix = "" if grid is None else "-grid65"
    model = Config.fromfile(CONFIGS / CONFIG.format(suffix)).model
    model.pretrained = None
    if grid is not None:
        model.decode_head.grid = grid
    with DefaultScope.overwrite_default_scope("mmseg"):
        return revert_sync_batchnorm(MODELS.build(model)).eval()


if __name__ == "__main__":
    main()
