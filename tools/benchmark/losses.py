"""Time the texture losses beside those of an earlier commit and of MMRazor.

python tools/benchmark/losses.py --against WORKTREE [--size N C H W] [--repeats R]
    [--threads T ...] [--out FOLDER]

Writes losses.md and losses.csv, for the CPU with each number of threads. WORKTREE has a
commit from before losses compared correlations and sorted similarities:

git worktree add --detach WORKTREE a5a6c58

Each loss has a process of its own, which waits while the others compute.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from measure import (
    Call,
    Spread,
    Table,
    command_line,
    interleave,
    machine,
    option_parser,
    ratios,
    write_report,
)

FOLDER = Path(__file__).parent
CPU = torch.device("cpu")
NOTE = """\
Written by `{command}`, in float32.

Each loss forward and backward, with the gradients of the student's features and of its
own parameters. Titles have the sizes (N, C, H, W) of the student's features; the
teacher's have four times the channels. Earlier losses are of {commit}, with their
defaults unless a row says otherwise. ChannelWiseDivergence (CWD) and PKDLoss (PKD) are
MMRazor's, behind a 1x1 convolution on the student's side, which CDMLoss has, too.

Losses are run in turn, each in a process of its own, {repeats} rounds after two to warm
up: medians, with quartiles in brackets. Ratios are to the first row, in the same round.
Memory is what a round takes from PyTorch's allocator at most, gradients included,
beyond features and parameters.

Launches are the ATen operators that the profiler sees in a round, but for views,
allocations, questions of dtype, and operators that consist of others that count. They
are counted on a CPU with features {small} of the student, of which no CDMLoss cuts the
channels into blocks, each of which launches anew. On a GPU a block holds 2^25 numbers,
so that both sizes here are one. An operator may launch more than one kernel there."""


class Loss(NamedTuple):
    """A loss of this tree, of the other one, or of MMRazor."""

    name: str
    options: Mapping = {}
    earlier: bool = False


Size = tuple[int, int, int, int]
Losses = Mapping[str, Loss]
Row = dict[str, str | float | Spread]
# The first of each is what the others are compared with.
STRUCTURAL = {
    "CDMLoss, earlier": Loss("CDMLoss", earlier=True),
    "CDMLoss": Loss("CDMLoss"),
    "CWD": Loss("ChannelWiseDivergence"),
    "PKD": Loss("PKDLoss"),
}
HISTOGRAM = dict(distance="histogram")
STATISTICAL = {
    "DTIEMLoss, earlier": Loss("DTIEMLoss", dict(num_classes=19), earlier=True),
    "earlier, without an extractor": Loss(
        "DTIEMLoss", dict(extractor="none"), earlier=True
    ),
    "DTIEMLoss": Loss("DTIEMLoss"),
    "histograms, with an extractor": Loss("DTIEMLoss", HISTOGRAM | {"num_classes": 19}),
    "histograms, without an extractor": Loss(
        "DTIEMLoss", HISTOGRAM | {"extractor": "none"}
    ),
}
# About half of what CDMLoss takes as one block on a CPU, here and in a5a6c58.
SMALL = (2, 64, 16, 32)


def main() -> None:
    """Measure and report."""
    parser = option_parser(__doc__.splitlines()[0])
    parser.add_argument(
        "--threads", type=int, nargs="+", default=[2], help="measured in turn"
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="WORKTREE",
        required=True,
        help="of a commit whose losses to time beside ours",
    )
    args = parser.parse_args()
    if min(*args.size, args.repeats, *args.threads) < 1:
        parser.error("--size, --repeats and --threads are positive numbers")
    if args.size[2] % 4 or args.size[3] % 4:
        parser.error("--size: H and W must be multiples of 4")
    tree = args.against.resolve()
    first = tuple(args.size)
    facts, tables = [], []
    for threads in args.threads:
        torch.set_num_threads(threads)
        facts.append(f"- {machine(CPU)}")
        for losses, stages in (
            (STRUCTURAL, [first]),
            (STRUCTURAL, [stage(first, 8, 4)]),
            (STATISTICAL, [first, stage(first, 2, 2)]),
        ):
            sizes = " and ".join(map(str, stages))
            rows = loss_rows(tree, losses, stages, threads, args.repeats)
            tables.append(Table(f"{sizes}, threads: {threads}", rows))
    tables.append(Table("Kernel launches", launch_rows(tree, STRUCTURAL, SMALL)))
    note = NOTE.format(
        command=command_line(),
        commit=commit_of(tree),
        repeats=args.repeats,
        small=SMALL,
    )
    lines = ["# Texture losses", "\n".join(facts), note]
    print(write_report(args.out, "losses", lines, tables))


def stage(first: Size, wider: int, smaller: int) -> Size:
    """Return the size of a later stage."""
    n, c, h, w = first
    return n, wider * c, h // smaller, w // smaller


def commit_of(tree: Path) -> str:
    """Return the commit that a worktree has."""
    command = ["git", "-C", tree, "rev-parse", "--short", "HEAD"]
    return subprocess.check_output(command, text=True).strip()


def loss_rows(
    tree: Path, losses: Losses, stages: Sequence[Size], threads: int, repeats: int
) -> list[Row]:
    """Time losses in turn, and then measure their memory.

    Args:
        tree: the worktree of earlier losses.
        losses: what to time, by name.
        stages: sizes of the student's features.
        threads: of PyTorch.
        repeats: rounds to keep.
    """
    with running(tree, losses, stages, threads) as processes:
        calls: dict[str, Call] = {
            name: partial(asked, process, "round")
            for name, process in processes.items()
        }
        seconds = interleave(calls, repeats, CPU)
        memory = {
            name: int(asked(process, "memory")) for name, process in processes.items()
        }
    first, *_ = losses
    relative = ratios(seconds, first)
    return [
        {
            "loss": name,
            "time, ms": Spread.of(seconds[name]).scaled(1e3),
            "ratio": Spread.of(relative[name]),
            "memory, MiB": memory[name] / 2**20,
            "memory, ratio": memory[name] / memory[first],
        }
        for name in losses
    ]


def launch_rows(tree: Path, losses: Losses, size: Size) -> list[Row]:
    """Count the kernels that losses of one stage launch."""
    with running(tree, losses, [size], 1) as processes:
        for process in processes.values():
            asked(process, "round")  # It makes what later rounds find in caches.
        launches = {
            name: int(asked(process, "launches")) for name, process in processes.items()
        }
    first, *_ = losses
    return [
        {"loss": name, "launches": count, "ratio": count / launches[first]}
        for name, count in launches.items()
    ]


@contextmanager
def running(
    tree: Path, losses: Losses, stages: Sequence[Size], threads: int
) -> Iterator[dict[str, subprocess.Popen]]:
    """Run a process for each loss, by its name."""
    with ExitStack() as stack:
        yield {
            # A process ends when its input does.
            name: stack.enter_context(
                started(
                    tree if loss.earlier else FOLDER.parents[1],
                    dict(
                        loss=loss.name,
                        options=loss.options,
                        stages=stages,
                        threads=threads,
                    ),
                )
            )
            for name, loss in losses.items()
        }


def started(tree: Path, case: Mapping) -> subprocess.Popen:
    """Start a process that runs a loss of a tree.

    Args:
        tree: where it has the package from.
        case: what loss_rounds.py is to run.

    Raises:
        RuntimeError: the process has the package from elsewhere.
    """
    process = subprocess.Popen(
        [sys.executable, FOLDER / "loss_rounds.py", json.dumps(case)],
        env={**os.environ, "PYTHONPATH": str(tree)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    package = process.stdout.readline().strip()
    if not Path(package).is_relative_to(tree):
        with process:
            raise RuntimeError(
                f"expected the package of {tree}, got {package or 'none'}"
            )
    return process


def asked(process: subprocess.Popen, what: str) -> str:
    """Ask a process for something, and wait for its answer."""
    process.stdin.write(f"{what}\n")
    process.stdin.flush()
    return process.stdout.readline()


if __name__ == "__main__":
    main()
