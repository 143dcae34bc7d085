"""What the benchmarks share: interleaved timings, peak memory, and their report."""

import argparse
import csv
import ctypes
import io
import json
import os
import platform
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile

WARM_UPS = 2
# Of glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4

# Operators that compute nothing, beside views.
NO_KERNELS = {
    "_unsafe_view",
    "as_strided_",
    "broadcast_tensors",
    "empty",
    "empty_like",
    "empty_strided",
    "new_empty",
    "new_empty_strided",
    "promote_types",
    "resize_",
    "result_type",
}

Function = Callable[[Tensor], Sequence[Tensor]]
Call = Callable[[], object]

# PyTorch's profiler announces each start and stop on the terminal otherwise.
os.environ.setdefault("KINETO_LOG_LEVEL", "99")


class Spread(NamedTuple):
    """Median and quartiles of a sample."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Describe a sample."""
        sample = torch.tensor([*values], dtype=torch.float64)
        quantiles = torch.tensor([0.5, 0.25, 0.75], dtype=torch.float64)
        return cls(*sample.quantile(quantiles).tolist())

    def scaled(self, factor: float) -> "Spread":
        """Change the unit."""
        return Spread(*(factor * value for value in self))


class Table(NamedTuple):
    """A table of the report; all its columns are those of its first row.

    A cell is a text, a number, a spread, or missing.
    """

    title: str
    rows: Sequence[Mapping[str, str | float | Spread]]


def option_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser of the options that the benchmarks share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--size", type=int, nargs=4, default=(2, 64, 128, 256), metavar=tuple("NCHW")
    )
    parser.add_argument(
        "--repeats", type=int, default=11, help="rounds of each timing, at least 1"
    )
    parser.add_argument("--out", type=Path, default=Path("work_dirs/benchmark"))
    return parser


def command_line() -> str:
    """Return the command that is running."""
    return shlex.join(["python", *sys.argv])


def devices() -> list[torch.device]:
    """Return the CPU and, where there is one, the GPU."""
    names = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    return [torch.device(name) for name in names]


def keep_freed_memory() -> None:
    """Have glibc's ``malloc`` keep freed memory for the next call.

    It hands large blocks back to the system or keeps them, as its heap happens to lie.
    What is handed back costs page faults at the next call, often more than the call.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, -1)


def with_backward(function: Function, x: Tensor) -> Call:
    """Return a call of a function and of its gradient."""
    leaf = x.detach().requires_grad_()
    gradients = [torch.randn_like(output) for output in function(x)]
    return lambda: torch.autograd.grad(function(leaf), leaf, gradients)


def interleave(
    calls: Mapping[str, Call], repeats: int, device: torch.device
) -> dict[str, list[float]]:
    """Time calls in turn, A B C A B C, so that drifts of the machine hit all alike.

    Args:
        calls: what to time, by name. What a call returns is freed within its time.
        repeats: rounds to keep, after two to warm up.
        device: where they compute.

    Returns:
        Seconds of each round, by name.
    """
    seconds = {name: [] for name in calls}
    for _ in range(WARM_UPS + repeats):
        for name, call in calls.items():
            start = _now(device)
            call()
            seconds[name].append(_now(device) - start)
    return {name: rounds[WARM_UPS:] for name, rounds in seconds.items()}


def ratios(
    seconds: Mapping[str, Sequence[float]], reference: str
) -> dict[str, list[float]]:
    """Divide each round of each call by the same round of the reference."""
    return {
        name: [a / b for a, b in zip(rounds, seconds[reference], strict=True)]
        for name, rounds in seconds.items()
    }


def peak_memory(call: Call, device: torch.device) -> int:
    """Return how many bytes of PyTorch's allocator a call holds at most.

    Args:
        call: what to measure; it has run before, so that its caches are filled.
        device: where it computes.

    Returns:
        The peak beyond what was held before the call.
    """
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        call()
        return torch.cuda.max_memory_allocated(device) - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    return max(accumulate(_allocations(profiler), initial=0))


def kernel_launches(call: Call) -> int:
    """Return how many operators of a call launch a kernel.

    Args:
        call: what to measure, on a CPU; it has run before, so that its caches are
            filled.

    Returns:
        The number of ATen operators, but for views, allocations, questions of dtype and
        those that consist of others that count.
    """
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        call()
    outermost = (event for event in profiler.events() if event.cpu_parent is None)
    return sum(map(_launches, outermost))


def time_rows(
    calls: Mapping[str, Call], x: Tensor, repeats: int, reference: str
) -> list[dict[str, str | float | Spread]]:
    """Time calls on an input, and compare them with one of them."""
    seconds = interleave(calls, repeats, x.device)
    relative = ratios(seconds, reference)
    rows = []
    for name in calls:
        time = Spread.of(seconds[name])
        rows.append(
            {
                "operation": name,
                "time, ms": time.scaled(1e3),
                "ratio": Spread.of(relative[name]),
                "ns per element": 1e9 * time.median / x.numel(),
            }
        )
    return rows


def memory_rows(calls: Mapping[str, Call], x: Tensor) -> list[dict[str, str | float]]:
    """Measure what calls allocate, in multiples of their input."""
    size = x.numel() * x.element_size()
    return [
        {"operation": name, "x input": peak_memory(call, x.device) / size}
        for name, call in calls.items()
    ]


def machine(device: torch.device) -> str:
    """Describe in one line what the figures depend on."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = f"{_processor()}, threads: {torch.get_num_threads()}"
    return f"{name}, PyTorch {torch.__version__}"


def write_report(
    folder: Path, name: str, lines: Sequence[str], tables: Sequence[Table]
) -> str:
    """Write tables as NAME.md and NAME.csv.

    Args:
        folder: where to write; it is made.
        name: stem of both files.
        lines: paragraphs of the Markdown file before its tables, its title included.
        tables: what was measured.

    Returns:
        The content of the Markdown file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join([*lines, *map(_markdown, tables)]) + "\n"
    write_whole(folder / f"{name}.md", text)
    rows = [
        {"table": table.title, **_plain(row)} for table in tables for row in table.rows
    ]
    columns = dict.fromkeys(column for row in rows for column in row)
    file = io.StringIO()
    writer = csv.DictWriter(file, columns)
    writer.writeheader()
    writer.writerows(rows)
    write_whole(folder / f"{name}.csv", file.getvalue())
    return text


def write_whole(path: Path, text: str) -> None:
    """Write a file that is never half there."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, newline="", encoding="utf-8")
    os.replace(part, path)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()


def _allocations(profiler: profile) -> list[int]:
    """Return the bytes of each allocation, negative where they are freed, in order."""
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace.json")
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    memory = [event for event in events if event["name"] == "[memory]"]
    return [
        event["args"]["Bytes"]
        for event in sorted(memory, key=lambda event: event["ts"])
    ]


def _launches(event: FunctionEvent) -> int:
    """Count the innermost operators within an event that launch a kernel."""
    return sum(map(_launches, event.cpu_children)) or int(_is_kernel(event.name))


def _is_kernel(event: str) -> bool:
    library, _, name = event.partition("::")
    if library != "aten" or name in NO_KERNELS:
        return False
    # The profiler knows no overloads.
    operator = getattr(torch.ops.aten, name)
    return not any(getattr(operator, kind).is_view for kind in operator.overloads())


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        found = re.search(r"model name\s*: (.*)", facts.read_text(encoding="utf-8"))
        if found:
            return found[1]
    return platform.machine()


def _markdown(table: Table) -> str:
    columns = list(table.rows[0])
    lines = [columns, ["---"] * len(columns)]
    lines += [[_cell(row.get(column, "")) for column in columns] for row in table.rows]
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"## {table.title}\n\n{rows}"


def _cell(value: str | float | Spread) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Spread):
        median, low, high = map(_cell, value)
        return f"{median} ({low} to {high})"
    return f"{float(f'{value:.3g}'):g}"


def _plain(row: Mapping[str, str | float | Spread]) -> dict[str, str | float]:
    plain = {}
    for column, value in row.items():
        if isinstance(value, Spread):
            names = (column, f"{column}, lower quartile", f"{column}, upper quartile")
            plain.update(zip(names, value, strict=True))
        else:
            plain[column] = value
    return plain
