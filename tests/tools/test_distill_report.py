"""What the distillation benchmark makes of logs: figures, report, progress."""

import csv
import json
import math
from types import SimpleNamespace

import pytest

# Logs.


def write_log(folder, name, *lines):
    path = folder / name / "vis_data" / "scalars.json"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def trained(step, time, loss=1.0, **more):
    return dict(loss=loss, time=time, step=step, **more)


def test_figures_of_a_log(load_tool, tmp_path):
    times = [(10, 9.0), (20, 0.1), (30, 0.3), (40, 0.2)]
    lines = [trained(*line) for line in times]
    write_log(tmp_path, "1", *lines, dict(mIoU=42.5, time=7.0, step=40))
    figures = load_tool("distill_log").read_figures(tmp_path, 40, "mIoU")
    # The first line has the start of the workers; the last is the validation's.
    assert figures == (42.5, {}, 0.2, None)


@pytest.mark.parametrize("interval", [1, 2, 5])
def test_times_that_hold_the_start_of_the_workers_do_not_count(
    load_tool, tmp_path, interval
):
    # Each time is a mean over ten iterations.
    steps = range(interval, 17, interval)
    lines = [trained(step, 9.0 if step <= 10 else 0.1) for step in steps]
    write_log(tmp_path, "1", *lines, dict(mIoU=1.0, step=16))
    assert load_tool("distill_log").read_figures(tmp_path, 16, "mIoU").seconds == 0.1


def test_figures_of_a_resumed_training_on_a_gpu(load_tool, tmp_path):
    log = load_tool("distill_log")
    first = [trained(10, 9.0, memory=70), trained(20, 0.5), trained(30, 0.5)]
    write_log(tmp_path, "1", *first, dict(mIoU=1.0, step=20))
    second = [trained(30, 9.0, memory=80), trained(40, 0.1), trained(50, 0.1)]
    write_log(tmp_path, "2", *second, trained(60, 0.1), dict(mIoU=2.0, step=60))
    assert log.read_figures(tmp_path, 60, "mIoU") == (2.0, {}, 0.1, 80)


@pytest.mark.parametrize(("of_gpu", "cost"), [({}, 0.3), (dict(memory=70), 0.5)])
def test_the_cost_is_of_the_cpu_where_it_trains(load_tool, tmp_path, of_gpu, cost):
    first = dict(trained(10, 9.0), cpu_time=9.0)
    lines = [dict(trained(step, 0.5), cpu_time=0.3) for step in (20, 30)]
    lines = [line | of_gpu for line in (first, *lines)]
    write_log(tmp_path, "1", *lines, dict(mIoU=1.0, step=30))
    assert load_tool("distill_log").read_figures(tmp_path, 30, "mIoU").seconds == cost


def test_other_metrics_are_those_of_the_same_validation(load_tool, tmp_path):
    log = load_tool("distill_log")
    first, last = (dict(mIoU=1.0 * s, aAcc=2.0 * s, step=s) for s in (20, 60))
    write_log(tmp_path, "1", trained(20, 0.1), first, trained(60, 0.1), last)
    assert log.read_figures(tmp_path, 60, "mIoU", ["aAcc"]).others == {"aAcc": 120.0}
    with pytest.raises(ValueError, match="no mAcc at iteration 60"):
        log.read_figures(tmp_path, 60, "mIoU", ["aAcc", "mAcc"])


def test_times_with_the_start_count_where_there_are_no_others(load_tool, tmp_path):
    lines = [trained(1, 0.7), trained(2, 0.5)]
    write_log(tmp_path, "1", *lines, dict(mIoU=1.0, step=2))
    assert load_tool("distill_log").read_figures(tmp_path, 2, "mIoU").seconds == 0.6
    lines = [trained(step, 0.1) for step in (10, 20)]
    write_log(tmp_path, "0", *lines)
    assert load_tool("distill_log").read_figures(tmp_path, 2, "mIoU").seconds == 0.1


def test_a_log_that_is_being_written(load_tool, tmp_path):
    log = load_tool("distill_log")
    assert log.newest_log(tmp_path) == []
    lines = [trained(10, 0.1), trained(20, 0.1)]
    path = write_log(tmp_path, "1", *lines)
    path.write_text(path.read_text() + '{"loss": 1.0, "ti')
    assert log.newest_log(tmp_path) == lines
    with pytest.raises(ValueError, match="no mIoU at iteration 30"):
        log.read_figures(tmp_path, 30, "mIoU")


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_named(load_tool, tmp_path, loss):
    lines = [trained(10, 0.1), trained(20, 0.1, loss), dict(mIoU=1.0, step=20)]
    write_log(tmp_path, "1", *lines)
    with pytest.raises(ValueError, match=f"loss is {loss} at iteration 20"):
        load_tool("distill_log").read_figures(tmp_path, 20, "mIoU")


def test_the_logs_of_earlier_processes_are_left_out(load_tool, tmp_path):
    log = load_tool("distill_log")
    write_log(tmp_path, "1", trained(10, 0.1))
    write_log(tmp_path, "2", trained(20, 0.1))
    earlier = log.find_logs(tmp_path)
    assert log.newest_log(tmp_path) == [trained(20, 0.1)]
    assert log.newest_log(tmp_path, earlier) == []
    write_log(tmp_path, "3", trained(30, 0.1))
    assert log.newest_log(tmp_path, earlier) == [trained(30, 0.1)]


def test_the_tail_of_what_was_printed(load_tool, tmp_path):
    log = load_tool("distill_log")
    assert log.tail(tmp_path / "no") == ""
    (tmp_path / "log").write_text("\n".join(map(str, range(100))))
    assert log.tail(tmp_path / "log").split() == [str(i) for i in range(85, 100)]


# Figures and report.


def results_of(run, **rows):
    """Make results of rows from (mIoU, seconds) of each seed, None if it is missing."""
    return {
        run.Key(name.removesuffix("_equal"), seed, name.endswith("_equal")): run.Result(
            400, miou, seconds, 500.0 + seed, 100.0
        )
        for name, values in rows.items()
        for seed, value in enumerate(values)
        if value is not None
        for miou, seconds in [value]
    }


def test_the_gap(load_tool):
    gap_closed = load_tool("distill_report").gap_closed
    assert gap_closed(teacher=50, student=40, distilled=47) == 70
    assert gap_closed(teacher=50, student=40, distilled=39) == -10
    assert gap_closed(teacher=40, student=40, distilled=47) is None
    assert gap_closed(teacher=39, student=40, distilled=47) is None


def test_spreads_say_what_they_are_made_of(load_tool):
    report = load_tool("distill_report")
    assert report.spread_text([], 3, ".2f") == ""
    assert report.spread_text([40.0], 1, ".2f") == "40.00"
    assert report.spread_text([40.0], 3, ".2f") == "40.00 (n = 1)"
    # The sample deviation: of two values it is their difference over sqrt(2).
    assert report.spread_text([40.0, 44.0], 2, ".2f") == "42.00 ± 2.83"
    assert report.spread_text([-1.0, 3.0], 3, "+.2f") == "+1.00 ± 2.83 (n = 2)"


def test_figures_are_taken_within_a_seed(load_tool):
    report, run = load_tool("distill_report"), load_tool("distill_run")
    results = results_of(
        run,
        teacher=[(50, 0.4), (45, 0.4), (40, 0.4)],
        student=[(40, 0.2), (35, 0.2), (41, 0.2)],
        x=[(45, 0.3), (43, 0.3), (42, 0.3), (44, 0.3)],
        x_equal=[None, (39, 0.3)],
    )

    def figures(name, seed):
        teacher = report.Key("teacher", seed)
        return report.seed_figures(results, name, seed, teacher)

    assert [figures("x", seed).get(report.GAIN) for seed in range(4)] == [5, 8, 1, None]
    gaps = [figures("x", seed).get(report.GAP) for seed in range(4)]
    assert gaps == [50, 80, None, None]
    equal = [figures("x", seed).get(report.EQUAL) for seed in range(4)]
    assert equal == [None, 39, None, None]
    assert figures("x", 0)[report.MEMORY] == 500
    assert figures("student", 0) == {
        report.SCORE: 40,
        report.SECONDS: 0.2,
        report.MEMORY: 500,
        report.EQUAL: 40,
        report.EQUAL_ITERS: 400,
        report.EQUAL_SHARE: pytest.approx(100),
    }
    assert figures("teacher", 0)[report.GAIN] == 10
    assert not {report.GAP, report.EQUAL} & figures("teacher", 0).keys()
    assert figures("y", 0) == {}


def test_equal_cost(load_tool):
    equal_cost_iters = load_tool("distill_plan").equal_cost_iters
    assert equal_cost_iters(400, 0.2, 0.5) == 160
    assert equal_cost_iters(400, 0.2, 0.1) == 800
    assert equal_cost_iters(2, 0.2, 0.2) == 2
    assert equal_cost_iters(3, 0.2, 2.0) == 2


def report_of(load_tool, out, seeds, names, equal_cost=True):
    run = load_tool("distill_run")
    keys = [run.Key(name, seed) for seed in seeds for name in names]
    plan = SimpleNamespace(
        out=out,
        seeds=seeds,
        rows={name: SimpleNamespace(taken=False) for name in names},
        keys=keys,
        teacher=lambda seed: load_tool("distill_run").Key("teacher", seed),
        equal_cost=equal_cost,
        metric="mIoU",
        unit="%",
        also=(),
    )
    return load_tool("distill_report").Report(
        plan, "mine", {"Machine": "slow"}, gpu=False
    )


def table_of(path, title):
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["table"] == title]


def test_a_partial_report_with_a_failure(load_tool, tmp_path):
    run = load_tool("distill_run")
    results = results_of(
        run,
        teacher=[(50, 0.4), (46, 0.4)],
        student=[(40, 0.2), (38, 0.3)],
        x=[(45, 0.41), None],
        x_equal=[(41, 0.3)],
    )
    failures = {
        run.Key("x", 1): "Exit status 1.\nTraceback\nValueError: no",
        run.Key("y", 0): "It needs something.",
    }
    report = report_of(load_tool, tmp_path, [0, 1], ["teacher", "student", "x", "y"])
    text = report.write(results, failures)
    assert text == (tmp_path / "results.md").read_text()
    assert "- Machine: slow\n- Trainings done: 5 of 8\n" in text
    assert "**x, seed 1: failed.** Exit status 1.\n\n```\nTraceback\nValueErr" in text
    assert "**y, seed 0: failed.** It needs something.\n\n##" in text
    assert "largest resident set" in text
    teacher, student, x, y = table_of(tmp_path / "results.csv", "Results")
    assert teacher["mIoU (%)"] == "48.00 ± 2.83"
    assert teacher["gain"] == "+9.00 ± 1.41"
    assert student["equal-cost mIoU (%)"] == "39.00 ± 1.41"
    assert student["seconds an iteration"] == "0.2500"
    assert student["memory (MiB)"] == "501"
    assert x["n"] == "1"
    assert x["mIoU (%)"] == "45.00 (n = 1)"
    assert x["gain"] == "+5.00 (n = 1)"
    assert x["gap closed (%)"] == "50.0 (n = 1)"
    assert x["equal-cost mIoU (%)"] == "41.00 (n = 1)"
    assert [row["failed"] for row in (x, y)] == ["seed 1", "seed 0"]
    assert (y["n"], y["mIoU (%)"], y["seconds an iteration"]) == ("0", "", "")
    each = table_of(tmp_path / "results.csv", "Each seed")
    found = {(row["row"], row["seed"]): row for row in each}
    assert len(found) == 8
    assert found["x", "0"]["mIoU (%)"] == "45.00"
    assert found["x", "0"]["equal-cost iterations"] == "400"
    assert found["student", "1"]["seconds an iteration"] == "0.3000"
    assert found["x", "1"]["mIoU (%)"] == ""
    assert (tmp_path / "results.png").read_bytes().startswith(b"\x89PNG")


def test_times_are_medians_and_memory_is_the_most(load_tool, tmp_path):
    values = [(40, 0.2), (41, 0.9), (42, 0.3)]
    results = results_of(
        load_tool("distill_run"), student=values, x=values, x_equal=values
    )
    report_of(load_tool, tmp_path, [0, 1, 2], ["student", "x"]).write(results, {})
    for row in table_of(tmp_path / "results.csv", "Results"):
        assert row["seconds an iteration"] == "0.3000"
        assert row["memory (MiB)"] == "502"
        assert row["of the student's cost (%)"] == "100"


def test_a_report_is_never_half_there(load_tool, tmp_path):
    measure = load_tool("measure")
    tables = [measure.Table("Results", [{"a": "1"}])]
    measure.write_report(tmp_path, "results", ["old"], tables)
    for name in ("results.md", "results.csv"):
        (tmp_path / f"read-{name}").hardlink_to(tmp_path / name)
    tables = [measure.Table("Results", [{"a": "2"}])]
    measure.write_report(tmp_path, "results", ["new"], tables)
    # Who had opened the old files still reads them whole.
    assert "old" in (tmp_path / "read-results.md").read_text()
    assert "new" in (tmp_path / "results.md").read_text()
    assert (tmp_path / "read-results.csv").read_bytes().endswith(b"Results,1\r\n")
    assert (tmp_path / "results.csv").read_bytes().endswith(b"Results,2\r\n")
    assert len([*tmp_path.iterdir()]) == 4


def test_a_report_of_nothing(load_tool, tmp_path):
    names = ["teacher", "student", "x"]
    text = report_of(load_tool, tmp_path, [0], names, equal_cost=False).write({}, {})
    assert "| x | 0 |  |  |  |  |  |\n" in text
    assert "equal-cost" not in text
    assert "failed" not in text
    assert (tmp_path / "results.png").exists()


def test_the_picture_shows_what_is_there(load_tool, tmp_path, monkeypatch):
    plot, run = load_tool("distill_plot"), load_tool("distill_run")
    figures = []

    def save(self, path, **_):
        figures.append(self)
        path.touch()

    monkeypatch.setattr(plot.Figure, "savefig", save)
    results = results_of(
        run,
        teacher=[(50, 0.5), (46, 0.5)],
        student=[(40, 0.2)],
        x=[(45, 0.25), (47, 0.25)],
        x_equal=[(42, 0.25)],
    )
    rows = ["teacher", "student", "y", "x"]
    plot.draw(results, rows, [0, 1], "PSNR (dB)", tmp_path / "results.png")
    assert figures[0].axes[0].get_ylabel() == "PSNR (dB)"
    assert [path.name for path in tmp_path.iterdir()] == ["results.png"]
    by_row, by_time = figures[0].axes
    # No row without a result.
    assert list(by_row.get_xticks()) == [0, 1, 2]
    ticks = [label.get_text() for label in by_row.get_xticklabels()]
    assert ticks == ["teacher", "student", "x"]
    clouds = [list(line.get_ydata()) for line in by_row.lines]
    assert [45, 47] in clouds
    assert [46] in clouds  # the mean
    points = [tuple(map(list, line.get_data())) for line in by_time.lines]
    assert ([100, 100], [45, 47]) in points
    assert ([100], [42]) in points
    assert ([200, 200], [50, 46]) in points
    legend = [text.get_text() for text in by_time.get_legend().get_texts()]
    assert legend == ["teacher", "student", "x", "at equal cost"]


# Progress.


def test_the_time_that_is_left(load_tool):
    progress, run = load_tool("distill_progress"), load_tool("distill_run")
    key, running = run.Key, progress.Running
    assert progress.remaining([], [key("x", 0)], {}, 1) is None
    assert progress.remaining([running(key("x", 0), 5, 0)], [], {}, 1) is None
    results = {
        key("student", 0): run.Result(4, 1.0, 1.0, None, 10.0),
        key("x", 0): run.Result(4, 1.0, 1.0, None, 30.0),
        key("x", 1): run.Result(4, 1.0, 1.0, None, 50.0),
    }

    def left(*pending, jobs=1, active=()):
        return progress.remaining(active, pending, results, jobs)

    assert left(key("x", 2)) == 40
    assert left(key("x", 2, True)) == 10
    assert left(key("y", 0)) == 30
    assert left(key("x", 2), key("student", 1), jobs=2) == 25
    # A quarter took 20 s: 60 are left, and 80 for the next of its kind.
    assert left(key("y", 1), active=[running(key("y", 0), 20, 0.25)]) == 60 + 80
    assert left(active=[running(key("x", 2), 50, 0)]) == 0


def test_durations(load_tool):
    duration = load_tool("distill_progress").duration
    assert [duration(s) for s in (8, 600, 3600 * 2 + 300)] == [
        "8 s",
        "10 min",
        "2 h 5 min",
    ]
