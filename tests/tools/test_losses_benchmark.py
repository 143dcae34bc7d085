import csv
import sys
from pathlib import Path

import pytest
import torch

TREE = Path(__file__).parents[2]


@pytest.fixture
def benchmark(load_tool):
    """The benchmark of the losses."""
    return load_tool("losses")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--against . --size 1 4 18 16", "H and W must be multiples of 4"),
        ("--against . --size 1 4 16 18", "H and W must be multiples of 4"),
        ("--against . --size 0 4 16 16", "are positive numbers"),
        ("--against . --repeats 0", "are positive numbers"),
        ("--against . --threads 1 0", "are positive numbers"),
        ("--repeats 1", "required: --against"),
    ],
)
def test_bad_options_are_refused(benchmark, monkeypatch, capsys, options, message):
    monkeypatch.setattr(sys, "argv", ["losses.py", *options.split()])
    with pytest.raises(SystemExit):
        benchmark.main()
    assert message in capsys.readouterr().err


def test_losses_of_two_trees_are_measured_in_one_run(benchmark):
    small = dict(distance="histogram", num_classes=3, channels=8, texture_channels=4)
    losses = {
        "first": benchmark.Loss("DTIEMLoss", small, earlier=True),
        "second": benchmark.Loss("DTIEMLoss"),
    }
    stages = [(1, 4, 16, 16), (1, 8, 8, 8)]
    first, second = benchmark.loss_rows(TREE, losses, stages, threads=1, repeats=1)
    assert (first["loss"], second["loss"]) == ("first", "second")
    assert first["ratio"] == (1, 1, 1)
    assert first["memory, ratio"] == 1
    ratio = second["memory, MiB"] / first["memory, MiB"]
    assert second["memory, ratio"] == pytest.approx(ratio)
    assert second["time, ms"].median > 0
    with pytest.raises(RuntimeError, match="expected the package of"):
        benchmark.launch_rows(TREE / "tests", losses, stages[0])


def test_launches_are_compared_with_those_of_the_first_loss(benchmark):
    losses = {"ours": benchmark.Loss("CDMLoss"), "PKD": benchmark.Loss("PKDLoss")}
    # No loss is an earlier one, so that no other tree is needed.
    ours, rival = benchmark.launch_rows(TREE / "tests", losses, (1, 4, 16, 16))
    assert ours["ratio"] == 1
    # A third of the 227 that it was before it compared correlations.
    assert 10 < ours["launches"] <= 75
    assert rival["ratio"] == rival["launches"] / ours["launches"]


@pytest.mark.parametrize("name", ["ChannelWiseDivergence", "PKDLoss"])
def test_rivals_compare_a_student_that_is_aligned(load_tool, name):
    from mmrazor.models import losses

    torch.manual_seed(0)
    student, teacher = torch.randn(2, 4, 8, 8), torch.randn(2, 16, 8, 8)
    loss = load_tool("loss_rounds").built(name, {}, 4)
    with torch.no_grad():
        aligned = torch.einsum("dc,nchw->ndhw", loss.align.weight[..., 0, 0], student)
        aligned = aligned.contiguous()
        expected = getattr(losses, name)()(aligned, teacher)
        torch.testing.assert_close(loss(student, teacher), expected)


def test_the_command_writes_its_tables(benchmark, monkeypatch, tmp_path, capsys):
    def loss_rows(tree, losses, stages, threads, repeats):
        assert (tree, threads, repeats) == (TREE, 2, 3)
        return [{"loss": name, "stages": len(stages)} for name in losses]

    options = ["--size", "1", "4", "16", "32", "--repeats", "3", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["losses.py", "--against", str(TREE), *options])
    monkeypatch.setattr(benchmark, "loss_rows", loss_rows)
    monkeypatch.setattr(benchmark, "launch_rows", lambda *_: [{"launches": 7}])
    monkeypatch.setattr(benchmark, "commit_of", lambda tree: "a commit")
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    benchmark.main()
    page = (tmp_path / "losses.md").read_text()
    assert page in capsys.readouterr().out
    assert "Earlier losses are of a commit" in page
    with (tmp_path / "losses.csv").open(newline="") as file:
        rows = [(row["table"], row["loss"]) for row in csv.DictReader(file)]
    titles = [
        "(1, 4, 16, 32), threads: 2",
        "(1, 32, 4, 8), threads: 2",
        "(1, 4, 16, 32) and (1, 8, 8, 16), threads: 2",
    ]
    both = (benchmark.STRUCTURAL, benchmark.STRUCTURAL, benchmark.STATISTICAL)
    assert rows == [
        *((t, name) for t, losses in zip(titles, both, strict=True) for name in losses),
        ("Kernel launches", ""),
    ]
