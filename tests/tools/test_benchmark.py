import csv
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
import warm

from texture_kd.functional import contourlet

FOLDER = Path(__file__).parents[2] / "tools" / "benchmark"
CPU = torch.device("cpu")


@pytest.fixture
def measure(load_tool):
    """What the benchmarks share."""
    return load_tool("measure")


@pytest.fixture
def benchmark(load_tool):
    """The benchmark of the contourlet."""
    return load_tool("contourlet")


class Machine:
    """A clock, and calls that take their time by it: longer from call to call."""

    def __init__(self):
        self.now = 0.0
        self.called = ""

    def clock(self):
        return self.now

    def call(self, name, seconds):
        def work():
            self.called += name
            self.now += seconds * (1 + (len(self.called) - 1) // 3)

        return work


def test_calls_take_turns(measure, monkeypatch):
    machine = Machine()
    monkeypatch.setattr(measure, "perf_counter", machine.clock)
    calls = {"a": machine.call("a", 1), "b": machine.call("b", 4)}
    calls["c"] = machine.call("c", 0.5)
    seconds = measure.interleave(calls, repeats=3, device=CPU)
    assert machine.called == "abc" * (measure.WARM_UPS + 3)
    # The third to fifth rounds are kept, on a machine that slows down meanwhile.
    assert seconds == {"a": [3, 4, 5], "b": [12, 16, 20], "c": [1.5, 2, 2.5]}
    assert measure.ratios(seconds, "a") == {
        "a": [1, 1, 1],
        "b": [4, 4, 4],
        "c": [0.5, 0.5, 0.5],
    }


def test_a_spread_is_the_median_and_the_quartiles(measure):
    spread = measure.Spread.of([5, 1, 4, 2, 3])
    assert spread == (3, 2, 4)
    assert spread.scaled(1e3) == (3000, 2000, 4000)
    assert measure.Spread.of([7.0]) == (7, 7, 7)


@torch.library.custom_op("texture_kd_tests::five_times", mutates_args=())
def five_times(x: torch.Tensor) -> torch.Tensor:
    double, triple = 2 * x, 3 * x
    return double + triple


def product_and_gradient(x):
    leaf = x.detach().requires_grad_()
    return torch.autograd.grad(leaf * x, leaf, x)


@pytest.mark.parametrize(
    ("call", "inputs"),
    [
        (torch.clone, 1),
        (torch.neg_, 0),
        (lambda x: x * 2 + 1, 2),
        (lambda x: x.double(), 2),
        (lambda x: [x.clone().sum() for _ in range(9)], 1),
        (lambda x: [x.clone() for _ in range(9)], 9),
        (five_times, 3),
        (product_and_gradient, 2),
    ],
)
def test_peak_memory_of_known_operations(measure, call, inputs):
    x = torch.randn(512, 512)
    peak = measure.peak_memory(lambda: call(x), CPU)
    assert peak / x.nbytes == pytest.approx(inputs, abs=0.01)


@pytest.mark.parametrize(
    ("call", "launches"),
    [
        (torch.clone, 1),
        (torch.empty_like, 0),
        (lambda x: x.T[1:, None].detach().expand(2, -1, -1, -1), 0),
        (lambda x: x.reshape(-1), 0),
        (lambda x: x.T.reshape(-1), 1),
        (lambda x: x * 2 + 1, 2),
        (lambda x: x.new_zeros(3).add_(1), 2),
        (lambda x: (x @ x).sum(0), 2),
        (five_times, 3),
        (product_and_gradient, 2),
    ],
)
def test_launches_of_known_operations(measure, call, launches):
    x = torch.randn(64, 64)
    assert measure.kernel_launches(lambda: call(x)) == launches


def test_the_report_holds_the_same_in_both_files(measure, tmp_path):
    spread = measure.Spread(12.3456, 0.00123, 1230.4)
    rows = [{"who": "a", "time, ms": spread, "count": 2}, {"who": "b"}]
    tables = [measure.Table("First", rows), measure.Table("Second", [{"new": 1.0}])]
    text = measure.write_report(tmp_path / "new", "name", ["# Title"], tables)
    assert text == (tmp_path / "new" / "name.md").read_text()
    assert "# Title\n\n## First\n\n| who | time, ms | count |\n| --- |" in text
    assert "\n| a | 12.3 (0.00123 to 1230) | 2 |\n| b |  |  |\n" in text
    with (tmp_path / "new" / "name.csv").open(newline="") as file:
        first, second, third = csv.DictReader(file)
    assert first == {
        "table": "First",
        "who": "a",
        "time, ms": "12.3456",
        "time, ms, lower quartile": "0.00123",
        "time, ms, upper quartile": "1230.4",
        "count": "2",
        "new": "",
    }
    assert (second["who"], third["table"], third["new"]) == ("b", "Second", "1.0")


@pytest.mark.parametrize("levels", [(4, 3), (2,), (3, 4, 2)])
def test_the_definition_is_our_transform_and_has_its_gradient(benchmark, levels):
    x = torch.randn(2, 3, 32, 64, dtype=torch.float64, requires_grad=True)
    expected = benchmark.coefficients(contourlet(x, levels))
    found = benchmark.define(x, benchmark.prepare(x, levels))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    weights = [torch.randn_like(band) for band in expected]
    torch.testing.assert_close(
        torch.autograd.grad(found, x, weights),
        torch.autograd.grad(expected, x, weights),
        rtol=0,
        atol=1e-12,
    )


def test_a_wrong_definition_is_not_timed(benchmark, monkeypatch):
    monkeypatch.setattr(
        benchmark,
        "define",
        lambda x, scales: [
            2 * band for band in benchmark.coefficients(contourlet(x, (4, 3)))
        ],
    )
    with pytest.raises(AssertionError, match="not close"):
        benchmark.reference_calls(torch.randn(1, 4, 16, 32))


def test_backward_gives_the_gradient_of_the_input(benchmark):
    x = torch.randn(1, 2, 16, 16)
    torch.manual_seed(1)
    (found,) = benchmark.with_backward(lambda x: [3 * x], x)()
    torch.manual_seed(1)
    torch.testing.assert_close(found, 3 * torch.randn_like(x))


@pytest.mark.parametrize("size", ["1 2 16 16", "1 4 24 16", "1 4 16 8"])
def test_sizes_that_would_be_padded_are_refused(benchmark, monkeypatch, capsys, size):
    monkeypatch.setattr(sys, "argv", ["contourlet.py", "--size", *size.split()])
    with pytest.raises(SystemExit):
        benchmark.main()
    assert "C must be a multiple of 4, H and W of 16" in capsys.readouterr().err


def test_the_command_writes_its_tables(tmp_path):
    size = ["--size", "1", "4", "16", "32"]
    short = ["--repeats", "2", "--threads", "1"]
    result = warm.run(
        [sys.executable, FOLDER / "contourlet.py", *size, *short, "--out", tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    text = (tmp_path / "contourlet.md").read_text()
    assert text in result.stdout
    assert "threads: 1," in text
    with (tmp_path / "contourlet.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if "cpu" in row["table"]]
    assert Counter(row["table"] for row in rows) == {
        "Time: (1, 4, 16, 32), levels (4, 3), cpu": 10,
        "Peak memory: (1, 4, 16, 32), levels (4, 3), cpu": 9,
        "Growth with the sides, cpu": 8,
        "Growth with the channels, cpu": 10,
        "Growth with the levels, cpu": 12,
    }
    memory = {row["operation"]: row["x input"] for row in rows if row["x input"]}
    assert float(memory["clone"]) == 1
    times = [float(row["time, ms"]) for row in rows if row["time, ms"]]
    assert len(times) == 40
    assert min(times) > 0
    assert {row["size"] for row in rows} >= {"(1, 4, 8, 16)", "(1, 4, 64, 128)"}


def test_the_contourlet_takes_little_memory(measure, benchmark):
    x = torch.randn(2, 64, 128, 256)
    size = x.numel() * x.element_size()
    calls = benchmark.contourlet_calls(x, (4, 3))
    for call in calls.values():
        call()
    assert measure.peak_memory(calls[benchmark.FORWARD], CPU) < 2.5 * size
    assert measure.peak_memory(calls[benchmark.BACKWARD], CPU) < 4 * size
