"""The distillation benchmark at work, with a stand-in for its trainings."""

import contextlib
import csv
import fcntl
import importlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import torch
from waiting import wait_for

FOLDER = Path(__file__).parents[2] / "tools" / "benchmark"
TRAIN = [sys.executable, str(Path(__file__).parent / "fake_train.py")]
CONFIG = """\
train_cfg = dict(max_iters=40, val_interval=40)
param_scheduler = [dict(type="PolyLR", begin=0, end=40)]
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=10))
model = dict(
    teacher_ckpt=None,
    distiller=dict(
        distill_losses=dict(loss_a=dict(type="A"), loss_b=dict(type="B")),
        loss_forward_mappings=dict(
            loss_a=dict(x=dict(recorder="a", from_student=True)),
            loss_b=dict(x=dict(recorder="b", from_student=True)),
        ),
    ),
)
"""
SUITE = """\
rows = dict(
    teacher=dict(config="teacher.py"),
    student=dict(config="student.py"),
    x=dict(config="x.py", options=["a=1"]),
    y=dict(config="x.py", without=["loss_b"]),
)
"""
FAKES = {
    "teacher": dict(miou=50, seconds=0.4),
    "student": dict(miou=40, seconds=0.2),
    "x": dict(miou=45, seconds=0.4),
}
# As if this were tools/benchmark/distill.py.
SCRIPT = f"""\
import sys
sys.path.insert(0, {str(FOLDER)!r})
import distill, distill_queue, distill_run
distill_run.TRAIN = {TRAIN!r}
distill_queue.POLL = distill_queue.PROGRESS = 0.05
sys.exit(distill.main())
"""


class Bench:
    """A suite and the folder where it is trained."""

    def __init__(self, folder):
        self.folder, self.out = folder, folder / "out"
        self.suite, self.script = folder / "suite.py", folder / "script.py"
        self.suite.write_text(SUITE)
        self.script.write_text(SCRIPT)
        for name in FAKES:
            self.configure(name)

    def configure(self, name, text="", **fake):
        """Write a config, and what happens while it is trained."""
        fake = FAKES[name] | fake
        (self.folder / f"{name}.py").write_text(f"{CONFIG}{text}\nfake = {fake}\n")

    def arguments(self, *arguments):
        seeds = [] if "--seeds" in arguments else ["--seeds", "0"]
        return [str(self.suite), "--out", str(self.out), *seeds, *arguments]

    def run(self, *arguments):
        """Run the benchmark here, and return its status."""
        sys.argv = ["distill.py", *self.arguments(*arguments)]
        return importlib.import_module("distill").main()

    def start(self, *arguments):
        """Start the benchmark as a process, whose output is in output.txt."""
        with (self.folder / "output.txt").open("w") as output:
            return subprocess.Popen(
                [sys.executable, str(self.script), *self.arguments(*arguments)],
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def read(self, path):
        path = self.folder / path
        return path.read_text() if path.exists() else ""

    def commands(self, training):
        """Return what each process of a training was started with."""
        return [
            json.loads(line)
            for line in self.read(f"out/{training}/commands.jsonl").splitlines()
        ]

    def result(self, training):
        return json.loads(self.read(f"out/{training}/result.json"))

    def slow(self, training, seconds):
        """Let it seem that other work has slowed a training."""
        path = self.out / training / "result.json"
        path.write_text(json.dumps(self.result(training) | {"seconds": seconds}))

    def table(self, title):
        rows = csv.DictReader(self.read("out/results.csv").splitlines())
        return [row for row in rows if row["table"] == title]

    def free(self):
        """Whether nothing works in the folder."""
        with (self.out / "lock").open() as file, contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False


@pytest.fixture
def bench(load_tool, tmp_path, monkeypatch):
    monkeypatch.setattr(load_tool("distill_run"), "TRAIN", TRAIN)
    monkeypatch.setattr(load_tool("distill_queue"), "POLL", 0.01)
    monkeypatch.setattr(load_tool("distill_report"), "draw", lambda *_: None)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr(sys, "argv", [])
    numbers = (signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    yield Bench(tmp_path)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def edit_log(folder, change):
    """Replace each line of the only log of a training, or take it out by None."""
    (path,) = folder.glob("*/vis_data/scalars.json")
    lines = [change(json.loads(line)) for line in path.read_text().splitlines()]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines if line))


def interrupt(folder, step):
    """Take back what a training did after it had saved its checkpoint of a step."""
    (folder / "result.json").unlink()
    for path in folder.glob("iter_*.pth"):
        if int(path.read_text()) > step:
            path.unlink()
    (folder / "last_checkpoint").write_text(str(folder / f"iter_{step}.pth"))
    edit_log(
        folder, lambda line: line if "loss" in line and line["step"] <= step else None
    )


def starts(printed):
    """Return what was said to start or to resume."""
    return re.findall(r"\] (.*: (?:starts|resumes at \d+)), \d+ iterations", printed)


# All goes well.


def test_a_suite_is_trained_in_order_and_reported(bench, capsys):
    assert bench.run("--rows", "x", "--seeds", "0", "1") == 0
    printed = capsys.readouterr().out
    assert starts(printed) == [
        *(
            f"{name}, seed {seed}: starts"
            for seed in (0, 1)
            for name in ("teacher", "student", "x")
        ),
        *(f"x, seed {seed} at equal cost: starts" for seed in (0, 1)),
    ]
    assert "[8/8] x, seed 1 at equal cost: mIoU 46.00 %, 0.400 s an iter" in printed
    report = bench.read("out/results.md")
    assert printed.endswith(f"\n{report}\n{bench.out}/results.png\n")
    assert "# Distillation: suite\n" in report
    assert "- Seeds: 0, 1\n- Iterations: 40\n" in report
    assert "- Trainings done: 8 of 8\n" in report
    assert "second training of a row" in report
    # The row that is not chosen is not there.
    teacher, student, x = bench.table("Results")
    assert x["mIoU (%)"] == x["equal-cost mIoU (%)"] == "45.50 ± 0.71"
    assert x["gap closed (%)"] == "50.0 ± 0.0"
    assert x["of the student's cost (%)"] == "100"
    assert student["equal-cost mIoU (%)"] == "40.50 ± 0.71"
    assert teacher["equal-cost mIoU (%)"] == ""
    assert int(x["memory (MiB)"]) > 0
    assert bench.run("--rows", "x", "--seeds", "0", "1") == 0
    # Nothing is left to do but the report.
    assert capsys.readouterr().out.startswith("\n# Distillation: suite\n")


def test_a_suite_is_compared_by_its_own_metric(bench, capsys):
    bench.suite.write_text(SUITE + 'metric, unit = "PSNR", "dB"\n')
    for name in FAKES:
        bench.configure(name, metric="PSNR")
    assert bench.run("--rows", "x", "--seeds", "0", "1") == 0
    assert "x, seed 1 at equal cost: PSNR 46.00 dB, 0.4" in capsys.readouterr().out
    x = bench.table("Results")[2]
    assert x["PSNR (dB)"] == x["equal-cost PSNR (dB)"] == "45.500 ± 0.707"
    assert x["gain"] == "+5.000 ± 0.000"
    assert bench.table("Each seed")[-1]["PSNR (dB)"] == "46.000"
    assert "PSNR is that of the last iteration" in bench.read("out/results.md")
    assert "mIoU" not in bench.read("out/results.md")


def test_networks_that_learn_from_nobody_need_no_teacher(bench):
    rows = ('student=dict(config="student.py")', 'z=dict(config="x.py", alone=True)')
    bench.suite.write_text(f"rows = dict({', '.join(rows)})\n")
    assert bench.run("--rows", "z") == 0
    (z,) = bench.commands("z/seed0")
    assert not [option for option in z if "teacher_ckpt" in option]
    student, z = bench.table("Results")
    assert (z["mIoU (%)"], z["gain"], z["equal-cost mIoU (%)"]) == (
        "45.00",
        "+5.00",
        "45.00",
    )
    assert "gap closed (%)" not in student


def test_other_metrics_are_columns_too(bench):
    bench.suite.write_text(SUITE + 'also = ["aAcc", "score"]\n')
    for name in FAKES:
        bench.configure(name, also=dict(aAcc=70.0, score=60.0))
    assert bench.run("--rows", "x", "--seeds", "0", "1") == 0
    x = bench.table("Results")[2]
    assert (x["mIoU (%)"], x["aAcc"], x["score"]) == (
        "45.50 ± 0.71",
        "70.50 ± 0.71",
        "60.50 ± 0.71",
    )
    assert bench.table("Each seed")[-1]["aAcc"] == "71.00"


def test_results_of_another_metric_are_not_taken(bench, capsys):
    assert bench.run("--rows", "student") == 0
    bench.suite.write_text(SUITE + 'metric, unit = "PSNR", "dB"\n')
    with pytest.raises(SystemExit):
        bench.run("--rows", "student")
    assert "metric was 'mIoU', now 'PSNR'" in capsys.readouterr().err


def test_what_trainings_are_started_with(bench):
    assert bench.run("--rows", "x", "--cfg-options", "b=2") == 0
    (teacher,) = bench.commands("teacher/seed0")
    (x,) = bench.commands("x/seed0")
    (equal,) = bench.commands("x/seed0-equal-cost")
    assert teacher["options"] == {
        "b": "2",
        "randomness.seed": "0",
        "default_hooks.cpu_time.type": "texture_kd.CPUTimeHook",
    }
    assert teacher["config"] == str(bench.folder / "teacher.py")
    checkpoint = str(bench.out / "teacher" / "seed0" / "iter_40.pth")
    options = {"a": "1", "model.teacher_ckpt": checkpoint} | teacher["options"]
    assert x["options"] == options
    # The student's iteration takes half as long.
    assert equal["options"] == options | {
        "param_scheduler.0.end": "20",
        "default_hooks.checkpoint.interval": "5",
        "default_hooks.logger.interval": "1",
        "train_cfg.max_iters": "20",
        "train_cfg.val_interval": "20",
    }
    assert bench.result("x/seed0-equal-cost")["iters"] == 20


def test_a_row_takes_the_checkpoint_of_another(bench, capsys):
    bench.suite.write_text(
        SUITE.replace("x=dict(", 'z=dict(config="x.py"),\n    x=dict(').replace(
            '["a=1"]', '["a=1"], takes=dict(z="model.distiller.ckpt")'
        )
    )
    bench.configure("x", text="model['distiller']['ckpt'] = None")
    assert bench.run("--rows", "x", "--seeds", "0", "1") == 0
    started = [line for line in starts(capsys.readouterr().out) if "seed 1:" in line]
    assert [line.split(",")[0] for line in started] == ["teacher", "student", "z", "x"]
    for folder in ("x/seed1", "x/seed1-equal-cost"):
        (x,) = bench.commands(folder)
        taken = str(bench.out / "z" / "seed1" / "iter_40.pth")
        assert x["options"]["model.distiller.ckpt"] == taken
    # It learns from the teacher, and is no rival of the others.
    (z,) = bench.commands("z/seed1")
    assert z["options"]["model.teacher_ckpt"].endswith("teacher/seed1/iter_40.pth")
    assert not (bench.out / "z" / "seed1-equal-cost").exists()
    z = bench.table("Results")[2]
    assert (z["row"], z["gain"], z["gap closed (%)"]) == ("z", "", "")
    assert z["mIoU (%)"] == "45.50 ± 0.71"
    assert "z: trained from the teacher" in bench.read("out/results.md")
    # Whom it took it from is a part of its settings.
    settings = json.loads(bench.read("out/x/seed1/settings.json"))
    assert settings["z's config"] == "x.py"


def test_one_teacher_for_all_seeds(bench, capsys):
    command = ["--rows", "x", "--no-equal-cost", "--seeds", "0", "1"]
    assert bench.run(*command, "--teacher-seed", "1") == 0
    assert not (bench.out / "teacher" / "seed0").exists()
    checkpoint = str(bench.out / "teacher" / "seed1" / "iter_40.pth")
    for folder in ("x/seed0", "x/seed1"):
        (x,) = bench.commands(folder)
        assert x["options"]["model.teacher_ckpt"] == checkpoint
    teacher, _, x = bench.table("Results")
    assert (teacher["n"], x["n"]) == ("1", "2")
    assert x["gap closed (%)"] != ""
    assert "- Teacher: one for all, of seed 1" in bench.read("out/results.md")
    # The rows of a teacher of their own are others.
    with pytest.raises(SystemExit):
        bench.run(*command)
    assert "teacher's seed was 1, now 0" in capsys.readouterr().err


def test_losses_are_taken_out_by_a_config_that_is_written(bench):
    assert bench.run("--rows", "y", "--no-equal-cost") == 0
    (command,) = bench.commands("y/seed0")
    assert command["config"] == str(bench.out / "y" / "config.py")
    lines = bench.read("out/y/config.py").splitlines()
    assert lines[0] == f"_base_ = ['{bench.folder}/x.py']"
    assert len([line for line in lines if line.endswith(".loss_b")]) == 2
    assert not (bench.out / "y" / "seed0-equal-cost").exists()


def test_several_trainings_at_once_share_the_threads(bench, monkeypatch, capsys):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 6)
    assert bench.run("--rows", "x", "--jobs", "2", "--iters", "20") == 0
    printed = capsys.readouterr().out
    assert starts(printed[: printed.index("mIoU")]) == [
        "teacher, seed 0: starts",
        "student, seed 0: starts",
    ]
    for row in ("teacher", "student", "x"):
        (command,) = bench.commands(f"{row}/seed0")
        assert command["threads"] == "3"
        assert command["options"]["train_cfg.max_iters"] == "20"


def test_rows_that_are_not_chosen_are_reported_if_they_are_trained(bench):
    bench.run("--rows", "x")
    assert bench.run("--rows", "student") == 0
    assert "- Trainings done: 1 of 1\n" in bench.read("out/results.md")
    found = {row["row"]: row["mIoU (%)"] for row in bench.table("Results")}
    assert found == {"teacher": "50.00", "student": "40.00", "x": "45.00"}


def test_the_memory_of_a_gpu_comes_before_that_of_the_process(bench):
    bench.configure("student", memory=7)
    bench.run("--rows", "student", "teacher")
    assert bench.result("student/seed0")["memory"] == 7
    assert bench.result("teacher/seed0")["memory"] != 7
    assert bench.result("teacher/seed0")["wall"] > 0


@pytest.mark.parametrize("ignored", [False, True])
def test_signals_that_stop_it(bench, ignored):
    signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    bench.run("--rows", "student")
    stop = signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is stop
    assert signal.getsignal(signal.SIGHUP) is (signal.SIG_IGN if ignored else stop)


# It was stopped.


def test_a_signal_stops_it_and_the_same_command_goes_on(bench, capsys):
    bench.configure("x", hang=[0, 30])
    process = bench.start("--rows", "x")
    try:
        wait_for(lambda: "hangs" in bench.read("out/x/seed0/train.log"))
        wait_for(lambda: "x, seed 0: 30/40" in bench.read("output.txt"))
        with pytest.raises(SystemExit):
            bench.run("--rows", "x")
        refusal = f"{bench.out} is in use by process {process.pid}, or"
        assert refusal in capsys.readouterr().err
    finally:
        process.terminate()
        status = process.wait(60)
    assert status == 130
    assert bench.read("output.txt").endswith("Stopped. The same command goes on.\n")
    assert "- Trainings done: 2 of 4\n" in bench.read("out/results.md")
    assert (bench.out / "results.png").exists()
    assert bench.free()
    assert bench.run("--rows", "x") == 0
    assert starts(capsys.readouterr().out) == [
        "x, seed 0: resumes at 30",
        "x, seed 0 at equal cost: starts",
    ]
    commands = bench.commands("x/seed0")
    assert [command["resume"] for command in commands] == [False, True]


def test_a_training_that_was_left_alone_keeps_its_folder(bench, capsys):
    bench.configure("student", hang=[0, 20])
    process = bench.start("--rows", "student")
    try:
        wait_for(lambda: "hangs" in bench.read("out/student/seed0/train.log"))
    finally:
        process.kill()
        process.wait(60)
    try:
        with pytest.raises(SystemExit):
            bench.run("--rows", "student")
        assert "or by a training that it left" in capsys.readouterr().err
    finally:
        (command,) = bench.commands("student/seed0")
        os.kill(command["process"], signal.SIGKILL)
    wait_for(bench.free)
    assert bench.run("--rows", "student") == 0


def test_in_the_background(bench):
    bench.configure("student", hang=[0, 20])
    assert bench.start("--rows", "student", "--background").wait(60) == 0
    printed = bench.read("output.txt")
    process = int(re.search(r"Stop it: kill (\d+)\n", printed)[1])
    assert f"Process {process} works in {bench.out}.\n" in printed
    try:
        wait_for(lambda: "hangs" in bench.read("out/student/seed0/train.log"))
        assert os.getsid(process) == process
        assert bench.read("out/lock") == str(process)
    finally:
        os.kill(process, signal.SIGTERM)
    wait_for(bench.free)
    assert bench.read("out/log.txt").endswith("Stopped. The same command goes on.\n")
    assert bench.run("--rows", "student") == 0


def test_a_training_goes_on_in_a_folder_that_was_moved(bench, capsys):
    bench.run("--rows", "x", "--no-equal-cost")
    interrupt(bench.out / "x" / "seed0", 20)
    bench.out = Path(shutil.move(bench.out, bench.folder / "moved"))
    capsys.readouterr()
    assert bench.run("--rows", "x", "--no-equal-cost") == 0
    assert starts(capsys.readouterr().out) == ["x, seed 0: resumes at 20"]


@pytest.mark.parametrize("saved", [True, False])
def test_a_training_that_was_stopped_in_its_validation(bench, capsys, saved):
    bench.run("--rows", "student")
    folder = bench.out / "student" / "seed0"
    interrupt(folder, 40)
    if not saved:
        for step in (10, 20, 30):
            (folder / f"iter_{step}.pth").unlink()
    capsys.readouterr()
    assert bench.run("--rows", "student") == 0
    start = "resumes at 30" if saved else "starts"
    assert starts(capsys.readouterr().out) == [f"student, seed 0: {start}"]
    assert len(bench.commands("student/seed0")) == 1 + saved


def test_a_result_that_is_missing_is_read_again(bench, capsys):
    bench.run("--rows", "student")
    before = bench.result("student/seed0")
    (bench.out / "student" / "seed0" / "result.json").unlink()
    capsys.readouterr()
    assert bench.run("--rows", "student") == 0
    assert starts(capsys.readouterr().out) == []
    # Only the process itself had told its memory and its time.
    assert bench.result("student/seed0") == before | {"memory": None, "wall": 0.0}


def test_the_progress_of_a_resumed_training_is_its_own(load_tool, tmp_path):
    queue, run = load_tool("distill_queue"), load_tool("distill_run")
    training = run.Run(
        run.Key("student", 0), None, None, tmp_path, 40, [], "mIoU", (), {}
    )

    def write_log(name, line):
        path = training.folder / name / "vis_data" / "scalars.json"
        path.parent.mkdir(parents=True)
        path.write_text(f"{line}\n")
        return path

    earlier = write_log("1", '{"loss": NaN, "step": 30}')
    active = queue.Active(training, None, time.monotonic(), 20, [earlier])
    assert (active.log, active.iteration, active.progress().part) == ([], 20, 0)
    write_log("2", '{"loss": 1.0, "step": 25}')
    assert (active.iteration, active.progress().part) == (25, 0.25)


# It fails.


def test_a_loss_that_is_no_number_stops_its_training(bench):
    bench.configure("teacher", nan=[0, 20], hang=[0, 20])
    assert bench.run("--rows", "x") == 1
    report = bench.read("out/results.md")
    folder = bench.out / "teacher" / "seed0"
    assert (
        "**teacher, seed 0: failed.** The loss is nan at iteration 20. "
        f"Delete {folder} to train it again."
    ) in report
    assert "**x, seed 0: failed.** It needs teacher, seed 0, which failed.\n" in report
    assert "x, seed 0 at equal cost: failed.** It needs teacher, seed 0, w" in report
    assert "- Trainings done: 1 of 4\n" in report
    (command,) = bench.commands("teacher/seed0")
    with pytest.raises(ProcessLookupError):
        os.kill(command["process"], 0)


def test_a_loss_of_an_earlier_process_stops_no_training(bench, capsys):
    bench.run("--rows", "student")
    folder = bench.out / "student" / "seed0"
    interrupt(folder, 20)
    edit_log(folder, lambda line: line | {"loss": float("nan")})
    assert bench.run("--rows", "student") == 0
    assert "student, seed 0: resumes at 20" in starts(capsys.readouterr().out)


def test_a_loss_that_was_no_number_in_the_end_is_no_result(bench):
    bench.run("--rows", "student")
    folder = bench.out / "student" / "seed0"
    edit_log(folder, lambda line: line | {"loss": float("nan")})
    (folder / "result.json").unlink()
    for _ in range(2):
        assert bench.run("--rows", "student") == 1
        assert f"iteration 10. Delete {folder} to" in bench.read("out/results.md")
    shutil.rmtree(folder)
    assert bench.run("--rows", "student") == 0


def test_a_training_that_exits_with_an_error(bench):
    bench.configure("x", exit=[0, 20])
    assert bench.run("--rows", "x") == 1
    report = bench.read("out/results.md")
    assert (
        "**x, seed 0: failed.** Exit status 1.\n\n```\nNo space left on device"
        in report
    )
    assert "x, seed 0 at equal cost: failed.** It needs x, seed 0, which f" in report
    assert "- Trainings done: 2 of 4\n" in report
    failed = {row["row"]: row["failed"] for row in bench.table("Results")}
    assert failed["x"] == "seed 0; seed 0 at equal cost"


def test_a_process_that_does_not_want_to_end(load_tool, monkeypatch):
    queue = load_tool("distill_queue")
    monkeypatch.setattr(queue, "PATIENCE", 0.1)
    ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{ignore}; time.sleep(120)"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process.stdout as output:
        output.readline()
    queue._kill(process)
    assert process.wait(60) == -signal.SIGKILL


# It is refused.


def test_a_changed_config_is_refused(bench, capsys):
    bench.run("--rows", "x")
    bench.configure("x", "c = 3")
    with pytest.raises(SystemExit):
        bench.run("--rows", "student")
    message = capsys.readouterr().err
    assert "these were trained with other settings:\n" in message
    assert f"  {bench.out}/x/seed0: contents was " in message
    assert "student" not in message.partition("settings:")[2]
    assert len(bench.commands("x/seed0")) == 1


def test_a_network_depends_on_its_teacher(bench, capsys):
    bench.run("--rows", "x")
    bench.configure("teacher", "c = 3")
    shutil.rmtree(bench.out / "teacher")
    with pytest.raises(SystemExit):
        bench.run("--rows", "x")
    message = capsys.readouterr().err
    for training in ("seed0", "seed0-equal-cost"):
        assert f"{bench.out}/x/{training}: teacher's contents was " in message
    assert "student" not in message.partition("settings:")[2]
    shutil.rmtree(bench.out / "x")
    assert bench.run("--rows", "x") == 0


def test_equal_cost_is_that_of_all_seeds(bench):
    seeds = ("--rows", "x", "--seeds", "0", "1", "2")
    assert bench.run(*seeds, "--no-equal-cost") == 0
    bench.slow("x/seed0", 0.5)
    bench.slow("x/seed1", 9.0)
    assert bench.run(*seeds) == 0
    for seed in (0, 1, 2):
        assert bench.result(f"x/seed{seed}-equal-cost")["iters"] == 16
    # 16 of 0.4 seconds each, in the time of 40 of 0.2.
    assert bench.table("Results")[2]["of the student's cost (%)"] == "80"


def test_another_student_has_another_time(bench, capsys):
    assert bench.run("--rows", "x") == 0
    shutil.rmtree(bench.out / "student")
    bench.configure("student", seconds=0.4)
    with pytest.raises(SystemExit):
        bench.run("--rows", "x")
    said = capsys.readouterr().err
    assert f"{bench.out}/x/seed0-equal-cost: student's contents was" in said
    assert f"{bench.out}/x/seed0: " not in said


def test_more_seeds_have_a_time_of_their_own(bench, capsys):
    assert bench.run("--rows", "x") == 0
    equal = bench.result("x/seed0-equal-cost")
    bench.slow("x/seed0", 0.8)
    capsys.readouterr()
    assert bench.run("--rows", "x", "--seeds", "0", "1") == 0
    assert "x, seed 0 at equal cost" not in capsys.readouterr().out
    assert bench.result("x/seed0-equal-cost") == equal
    found = [bench.result(f"x/seed{seed}-equal-cost")["iters"] for seed in (0, 1)]
    # The median of 0.8 and 0.4 seconds is three times the student's.
    assert found == [20, 13]


def test_another_machine_is_another_setting(bench, monkeypatch, capsys):
    assert bench.run("--rows", "student") == 0
    monkeypatch.setattr(torch, "__version__", "0.1")
    with pytest.raises(SystemExit):
        bench.run("--rows", "student")
    assert "machine was " in capsys.readouterr().err


@pytest.fixture
def install(load_tool, monkeypatch):
    """Let texture_kd be found in some folders, one after the other."""

    def install(*folders):
        places = itertools.chain(folders, itertools.repeat(folders[-1]))

        def find_spec(name):
            return ModuleSpec(name, None, origin=str(next(places) / "__init__.py"))

        monkeypatch.setattr(load_tool("distill_recipe"), "find_spec", find_spec)

    return install


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda install, _: install(FOLDER), "texture_kd was"),
        (
            lambda _, bench: bench.suite.write_text(SUITE.replace("_b", "_a")),
            "without was",
        ),
    ],
)
def test_other_code_and_other_losses_are_other_settings(
    bench, install, capsys, change, message
):
    assert bench.run("--rows", "y", "--no-equal-cost") == 0
    change(install, bench)
    with pytest.raises(SystemExit):
        bench.run("--rows", "y", "--no-equal-cost")
    assert f"{bench.out}/y/seed0: " in (said := capsys.readouterr().err)
    assert message in said


def test_code_that_changes_meanwhile_is_named(bench, install, capsys):
    install(FOLDER, FOLDER.parent)
    assert bench.run("--rows", "student") == 1
    assert "code of texture_kd has changed" in capsys.readouterr().out
    assert not bench.commands("student/seed0")


def test_names_of_files_are_part_of_the_code(load_tool, install, tmp_path):
    install(tmp_path)
    (tmp_path / "a.py").write_text("x")
    before = load_tool("distill_recipe").package_contents()
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert load_tool("distill_recipe").package_contents() != before


def test_texture_kd_has_to_be_installed(bench, load_tool, monkeypatch, capsys):
    monkeypatch.setattr(load_tool("distill_recipe"), "find_spec", lambda _: None)
    with pytest.raises(SystemExit):
        bench.run("--rows", "student")
    assert "texture_kd is not installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("threads", "jobs", "message"),
    [
        (4, "1", "threads was 6, now 4"),
        (6, "2", "jobs was 1, now 2, threads was 6, now 3"),
    ],
)
def test_other_threads_are_other_settings(
    bench, monkeypatch, capsys, threads, jobs, message
):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 6)
    assert bench.run("--rows", "student") == 0
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    with pytest.raises(SystemExit):
        bench.run("--rows", "student", "--jobs", jobs)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "0", "1", "0"], "a seed twice"),
        (["--jobs", "0"], "--jobs is 1 at least"),
        (["--iters", "1"], "--iters 2"),
        (["--rows", "z"], "no row 'z'"),
        (["--out", "a b"], "no path with spaces"),
    ],
)
def test_wrong_options_are_named(bench, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(bench.folder)
    with pytest.raises(SystemExit):
        bench.run(*arguments)
    assert message in capsys.readouterr().err
    assert not list(bench.folder.glob("**/train.log"))


def test_budgets_that_differ_are_refused(bench, capsys):
    bench.configure("x", "train_cfg['max_iters'] = 20")
    with pytest.raises(SystemExit):
        bench.run("--rows", "x")
    message = (
        "'x' trains 20 iterations, and the student 40: give all the same by --iter"
    )
    assert message in capsys.readouterr().err
    assert bench.run("--rows", "x", "--iters", "10", "--no-equal-cost") == 0
    assert {bench.result(f"{row}/seed0")["iters"] for row in FAKES} == {10}
