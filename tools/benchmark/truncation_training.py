"""Train a network on several grids, and compare what IoU it loses with R.

python tools/benchmark/truncation_training.py CONFIG [--grids N ...] [--seeds N ...]
    [--jobs N] [--out FOLDER] [--cfg-options K=V ...]

CONFIG has a SpectralTruncationHead. The network is trained without truncation and on
each grid; R, the share of the cross-entropy that a grid cannot hold, is that of the
network without truncation on the test data (Eq. 14). Trainings that are finished are
not done again. Writes truncation_training.md and truncation_training.csv.
"""

import argparse
import csv
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import correlation, mean, stdev
from typing import NamedTuple

from distill_log import read_figures, validated
from distill_run import last_checkpoint
from measure import Table, command_line, write_report
from mmengine.config import Config

TOOLS = Path(__file__).parents[1]
STOCK = "1.0"
METRIC = "mIoU"


class Point(NamedTuple):
    """A grid with a seed: R, and the points of IoU that are lost.

    Attributes:
        grid: samples along each axis.
        seed: of the training.
        discrepancy: R.
        trained: drop of the IoU in percent, of the network trained on the grid.
        untrained: that of the network without truncation, put on the grid as it is.
    """

    grid: int
    seed: int
    discrepancy: float
    trained: float
    untrained: float


def main() -> None:
    """Train what is missing, and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path)
    parser.add_argument("--grids", type=int, nargs="+", default=[65, 33, 17])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once")
    parser.add_argument(
        "--out", type=Path, default=Path("work_dirs/truncation_training")
    )
    parser.add_argument("--cfg-options", nargs="+", default=[], metavar="K=V")
    args = parser.parse_args()
    if min(*args.grids, args.jobs) < 1:
        parser.error("--grids and --jobs take numbers of at least 1")
    config = Config.fromfile(args.config)
    if "SpectralTruncationHead" not in str(config.model.decode_head.type):
        parser.error(f"{args.config} has no SpectralTruncationHead")
    config.merge_from_dict(dict(option.split("=", 1) for option in args.cfg_options))
    args.iters = int(config.train_cfg.max_iters)

    runs = [(g, seed) for seed in args.seeds for g in (STOCK, *map(str, args.grids))]
    with ThreadPoolExecutor(args.jobs) as pool:
        scores = dict(
            zip(runs, pool.map(lambda run: train(args, *run), runs), strict=True)
        )
        found = pool.map(lambda seed: analyse(args, seed), args.seeds)
        reports = dict(zip(args.seeds, found, strict=True))
    points = [
        Point(
            grid,
            seed,
            reports[seed][grid]["R"],
            scores[STOCK, seed] - scores[str(grid), seed],
            scores[STOCK, seed] - reports[seed][grid]["miou"],
        )
        for grid in args.grids
        for seed in args.seeds
    ]
    stock = [scores[STOCK, seed] for seed in args.seeds]
    print(write_report(args.out, "truncation_training", *summarise(stock, points)))


def train(args: argparse.Namespace, grid: str, seed: int) -> float:
    """Train the network on a grid, unless that has been done.

    Returns:
        mIoU in percent at the last iteration.
    """
    folder = args.out / f"grid{grid}" / f"seed{seed}"
    options = [*args.cfg_options, f"model.decode_head.grid={grid}"]
    if not validated(folder, args.iters, METRIC):
        command = [TOOLS / "train.py", args.config, f"--work-dir={folder}", "--resume"]
        run(
            command,
            [*options, f"randomness.seed={seed}"],
            folder / "train.log",
            args.jobs,
        )
    return read_figures(folder, args.iters, METRIC).score


def analyse(args: argparse.Namespace, seed: int) -> dict[int, dict[str, float]]:
    """Report on the network without truncation.

    Returns:
        R and mIoU by grid.
    """
    folder = args.out / f"grid{STOCK}" / f"seed{seed}"
    checkpoint = last_checkpoint(folder)
    out = folder / "spectral_report"
    command = [TOOLS / "analysis" / "spectral_report.py", args.config, checkpoint]
    grids = [str(grid) for grid in args.grids]
    options = [*args.cfg_options, f"model.decode_head.grid={STOCK}"]
    run(
        [*command, "--out", out, "--grids", *grids],
        options,
        folder / "report.log",
        args.jobs,
    )
    rows = csv.DictReader((out / "grids.csv").read_text(encoding="utf-8").splitlines())
    # The first is the network's own grid.
    found = {int(row["height"]): row for row in list(rows)[1:]}
    return {
        grid: {key: float(found[grid][key]) for key in ("R", "miou")}
        for grid in args.grids
    }


def run(
    command: Sequence[object], options: Sequence[str], log: Path, jobs: int
) -> None:
    """Run a tool with its share of the cores, or say where it failed."""
    threads = max(1, (os.cpu_count() or 1) // jobs)
    log.parent.mkdir(parents=True, exist_ok=True)
    parts = [sys.executable, *command, "--cfg-options", *options]
    with log.open("a", encoding="utf-8") as file:
        done = subprocess.run(
            [str(part) for part in parts],
            env=os.environ | dict(OMP_NUM_THREADS=str(threads)),
            stdout=file,
            stderr=file,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"failed, see {log}")


def summarise(
    stock: Sequence[float], points: Sequence[Point]
) -> tuple[list[str], list[Table]]:
    """Say what is lost on each grid, and how that goes with R.

    Args:
        stock: mIoU without truncation, by seed.
        points: of all grids and seeds.

    Returns:
        Paragraphs and tables of the report.
    """
    r = [point.discrepancy for point in points]
    with_r = {
        name: correlation(r, [getattr(point, name) for point in points])
        for name in ("trained", "untrained")
    }
    lines = [
        "# Truncation and what it loses",
        f"Written by `{command_line()}`. Without truncation: mIoU {spread(stock)} %.",
        "A drop is in points of mIoU against the same seed's network without "
        "truncation, trained on the grid or put on it as it is; mean and sample "
        "standard deviation over the seeds. The correlation with R over all grids and "
        f"seeds is {with_r['trained']:.2f} for the trained, and "
        f"{with_r['untrained']:.2f} for the untrained.",
    ]
    rows = []
    for grid in dict.fromkeys(point.grid for point in points):
        same = [point for point in points if point.grid == grid]
        rows.append(
            {
                "grid": f"{grid} x {grid}",
                "limit": (grid - 1) // 2,
                "R": spread([point.discrepancy for point in same], 3),
                "drop, trained": spread([point.trained for point in same]),
                "drop, untrained": spread([point.untrained for point in same]),
            }
        )
    return lines, [Table("Drop of mIoU", rows)]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Write mean and sample standard deviation."""
    deviation = stdev(values) if len(values) > 1 else 0.0
    return f"{mean(values):.{digits}f} ± {deviation:.{digits}f}"


if __name__ == "__main__":
    main()
