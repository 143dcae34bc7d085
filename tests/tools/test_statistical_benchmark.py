import csv
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
import warm

from texture_kd.functional import (
    HistogramOptions,
    cosine_self_similarity,
    heuristic_levels,
    texture_histogram,
)
from texture_kd.losses import DTIEMLoss

FOLDER = Path(__file__).parents[2] / "tools" / "benchmark"


@pytest.fixture
def benchmark(load_tool):
    """The benchmark of the statistical texture."""
    torch.manual_seed(0)
    return load_tool("statistical_texture")


@pytest.mark.parametrize("count", [1, 2, 7, 50])
@pytest.mark.parametrize("size", [(2, 5, 12, 20), (1, 3, 2, 3)])
def test_the_dense_definition_is_ours_and_has_its_gradient(benchmark, size, count):
    x = torch.randn(size, dtype=torch.float64)
    functions = benchmark.texture_functions(x, HistogramOptions(count=count))
    benchmark.check_same(functions[benchmark.DISTANCE], functions[benchmark.DENSE], x)


def test_levels_by_a_matrix_are_ours_at_the_edges_of_cells_too(benchmark):
    # Binary fractions, so that intensities are edges of the sixteen cells exactly.
    intensity = torch.randint(33, (3, 200), dtype=torch.float64) / 32
    intensity[:, :2] = torch.tensor([0.0, 1.0])
    found = benchmark.dense_levels(intensity, HistogramOptions(count=8))
    torch.testing.assert_close(found, heuristic_levels(intensity, 8), rtol=0, atol=0)


def test_the_distance_is_that_of_the_loss_without_layers_and_regions(benchmark):
    student, teacher = torch.randn(2, 2, 6, 16, 24, dtype=torch.float64)
    options = HistogramOptions()
    target = texture_histogram(cosine_self_similarity(teacher).flatten(1), options)
    (found,) = benchmark.texture_distance(student, target, options)
    loss = DTIEMLoss(6, 6, "histogram", "global", extractor="none")
    expected = loss(*student.split([2, 4], 1), *teacher.split([2, 4], 1))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


def with_steeper_gradient(x):
    similarity = cosine_self_similarity(x)
    return 1.001 * similarity - 0.001 * similarity.detach()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("cosine_self_similarity", with_steeper_gradient),
        ("cosine_self_similarity", lambda x: cosine_self_similarity(x + 1e-3)),
        (
            "texture_histogram",
            lambda x, options=None: texture_histogram(x, HistogramOptions(theta=0.899)),
        ),
        (
            "texture_histogram",
            lambda x, options=None: texture_histogram(x, HistogramOptions(alpha=0.32)),
        ),
    ],
)
def test_what_is_not_the_dense_definition_is_not_timed(
    benchmark, monkeypatch, name, wrong
):
    x = torch.randn(1, 4, 16, 32)
    benchmark.reference_calls(x)
    monkeypatch.setattr(benchmark, name, wrong)
    with pytest.raises(AssertionError, match="not close"):
        benchmark.reference_calls(x)


def test_the_regions_are_the_default_number_of_each_image(benchmark):
    x = torch.randn(2, 4, 40, 56)
    regions = DTIEMLoss(4, 4, seed=0).sampler(x)
    nodes, intensity = benchmark.histograms_of(x, regions)
    assert len(nodes) == len(intensity) == 2 * 16
    y0, x0, y1, x1 = regions.boxes[-1].tolist()
    region = x[regions.images[-1], None, :, y0:y1, x0:x1]
    expected = texture_histogram(cosine_self_similarity(region).flatten(1))
    torch.testing.assert_close(nodes[-1:], expected.nodes)
    pixels = regions.counts[-1]
    torch.testing.assert_close(intensity[-1:, :pixels], expected.intensity)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--size 1 6 16 16", "C must be a multiple of 4, H and W of 2"),
        ("--size 1 4 15 16", "C must be a multiple of 4, H and W of 2"),
        ("--size 1 4 16 15", "C must be a multiple of 4, H and W of 2"),
        ("--size 0 4 16 16", "are positive numbers"),
        ("--repeats 0", "are positive numbers"),
        ("--threads 1 0", "are positive numbers"),
        ("--threads", "expected at least one argument"),
    ],
)
def test_bad_options_are_refused(benchmark, monkeypatch, capsys, options, message):
    monkeypatch.setattr(sys, "argv", ["statistical_texture.py", *options.split()])
    with pytest.raises(SystemExit):
        benchmark.main()
    assert message in capsys.readouterr().err


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Page and rows, of the CPU, that the command writes."""
    folder = tmp_path_factory.mktemp("benchmark")
    size = ["--size", "1", "4", "16", "32"]
    short = ["--repeats", "1", "--threads", "2", "1"]
    script = FOLDER / "statistical_texture.py"
    result = warm.run(
        [sys.executable, script, *size, *short, "--out", folder],
        capture_output=True,
        text=True,
        check=True,
    )
    page = (folder / "statistical_texture.md").read_text()
    assert page in result.stdout
    with (folder / "statistical_texture.csv").open(newline="") as file:
        rows = csv.DictReader(file)
        return page, [row for row in rows if "cuda" not in row["table"] + row["device"]]


def test_the_command_writes_its_tables(report):
    page, rows = report
    assert page.index("threads: 2, PyTorch") < page.index("threads: 1, PyTorch")
    expected = {
        "Time: (1, 4, 16, 32)": 11,
        "Peak memory: (1, 4, 16, 32)": 11,
        "Growth with the sides": 8,
        "Growth with the channels": 10,
        "Growth with the levels": 20,
    }
    tables = Counter(row["table"] for row in rows if not row["device"])
    assert tables == {
        f"{title}, cpu, threads: {threads}": number
        for title, number in expected.items()
        for threads in (2, 1)
    }
    times = [float(row["time, ms"]) for row in rows if row["time, ms"]]
    assert len(times) == 2 * (11 + 8 + 10 + 20)
    assert min(times) > 0
    growing = {(row["size"], row["levels"]) for row in rows}
    assert growing >= {
        ("(1, 4, 8, 16)", "50"),
        ("(1, 4, 64, 128)", "50"),
        ("(1, 1, 16, 32)", "50"),
        ("(1, 16, 16, 32)", "50"),
        ("(1, 4, 16, 32)", "12"),
        ("(1, 4, 16, 32)", "200"),
    }


def test_ratios_are_to_the_plain_self_similarity_of_the_same_pass(report):
    ratios = [
        (row["pass"], row["ratio"])
        for row in report[1]
        if row["operation"] == "self-similarity by F.normalize" and row["ratio"]
    ]
    assert ratios == 2 * [("forward", "1.0"), ("forward and backward", "1.0")]


def test_memory_is_in_mebibytes_and_in_multiples_of_the_input(report):
    rows = [row for row in report[1] if row["x input"]]
    assert len(rows) == 2 * 11
    for row in rows:
        mebibytes = float(row["x input"]) * 4 * 16 * 32 * 4 / 2**20
        assert float(row["MiB"]) == pytest.approx(mebibytes)


def test_what_is_limited_comes_first_for_each_number_of_threads(report):
    page, rows = report
    title = "Limits: histogram and its L2, forward and backward, (1, 4, 16, 32)"
    assert page.index("## ") == page.index(f"## {title}")
    for limit, threads in zip(rows[:2], (2, 1), strict=True):
        device = f"cpu, threads: {threads}"
        time, memory = (
            row
            for row in rows
            if row["table"].endswith(f"(1, 4, 16, 32), {device}")
            and row["operation"] == "histogram and its L2"
            and row["pass"] == "forward and backward"
        )
        assert (limit["table"], limit["device"]) == (title, device)
        assert (limit["ratio"], limit["MiB"]) == (time["ratio"], memory["MiB"])
        assert (limit["ratio, at most"], limit["MiB, at most"]) == ("1.3", "40")


def test_histogram_and_distance_keep_within_their_memory(benchmark):
    x = torch.randn(2, 64, 128, 256)
    functions = benchmark.texture_functions(x, HistogramOptions())
    calls = benchmark.passes({"ours": functions[benchmark.DISTANCE]}, x)
    for call in (calls["forward"], calls["forward and backward"]):
        call["ours"]()
    rows = benchmark.pass_memory_rows(calls, x)
    assert [row["pass"] for row in rows] == ["forward", "forward and backward"]
    assert all(16 < row["MiB"] < 40 for row in rows)
