"""Say with error bars what each term of a distillation is worth.

python tools/benchmark/distill.py SUITE [--seeds S ...] [--rows NAME ...] [--iters N]
    [--jobs N] [--out DIR] [--no-equal-cost] [--teacher-seed S] [--background]
    [--cfg-options K=V ...]

SUITE is the name of a file in tools/benchmark/suites, such as mosaic or camvid, or the
path of another. Each of its rows is trained with each seed, and all but teacher and
student a second time, with as many iterations as cost what the student's training
costs. A row learns from the teacher of its own seed, or of --teacher-seed, for which
the spread is that of the students alone. The folder then holds results.md, results.csv
and results.png, which are rewritten after each training. The same command goes on where
it was stopped, unless configs or code have changed.
"""

import argparse
import fcntl
import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TextIO

import torch
from distill_plan import Plan
from distill_queue import Queue
from distill_report import Report
from distill_suite import STUDENT, TEACHER, SuiteError, load_suite
from measure import command_line, devices


def main() -> int:
    """Train and report; return the exit status."""
    # MMEngine says so for each config that it reads.
    warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
    parser = option_parser()
    args = parser.parse_args()
    if args.jobs < 1 or (args.iters is not None and args.iters < 2):
        parser.error("--jobs is 1 at least, and --iters 2.")
    if len(set(args.seeds)) < len(args.seeds):
        parser.error("--seeds holds a seed twice.")
    args.threads = max(1, torch.get_num_threads() // args.jobs)
    args.out = (args.out or Path("work_dirs/distill", Path(args.suite).stem)).resolve()
    try:
        suite = load_suite(args.suite)
        with lock(args.out) as held:
            plan = Plan(suite, args)
            if not args.background:
                return work(plan, Path(args.suite).stem, held)
    except SuiteError as error:
        parser.error(str(error))
    relaunch(args.out)
    return 0


def work(plan: Plan, suite: str, held: TextIO) -> int:
    """Train what is left of a plan, and report; return the exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup the second stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    torch.set_num_threads(plan.threads)
    device = devices()[-1]
    facts = {
        "Command": f"`{command_line()}`",
        "Seeds": ", ".join(map(str, plan.seeds)),
        "Iterations": iterations(plan),
        "Teacher": "one a seed"
        if plan.teacher_seed is None
        else f"one for all, of seed {plan.teacher_seed}",
        "Machine": plan.machine,
        "Trainings at once": f"{plan.jobs}, each with CPU threads: {plan.threads}",
    }
    report = Report(plan, suite, facts, gpu=device.type == "cuda")
    queue = Queue(plan, report.write, held.fileno())
    try:
        queue.work()
    except KeyboardInterrupt:
        print("Stopped. The same command goes on.", flush=True)
        return 130
    text = report.write(plan.results, queue.failures)
    print(f"\n{text}\n{plan.out / 'results.png'}")
    return 1 if queue.failures else 0


def iterations(plan: Plan) -> str:
    """Say how long networks train, the teacher perhaps longer."""
    student = plan.iters[STUDENT]
    teacher = plan.iters.get(TEACHER, student)
    return str(student) if student == teacher else f"{student}, the teacher's {teacher}"


def lock(folder: Path) -> TextIO:
    """Make a folder, and keep other processes out while the returned file is open.

    Raises:
        SuiteError: a process is in there, or options cannot hold the folder's name.
    """
    if re.search(r"[\s,()\[\]'\"]", str(folder)):
        raise SuiteError(
            f"--out {folder}: the teacher's checkpoint lies there, and MMEngine's "
            "options hold no path with spaces, commas, quotes or brackets."
        )
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read()
        file.close()
        raise SuiteError(
            f"{folder} is in use by process {owner}, or by a training that it left: "
            "wait, stop it, or give another --out."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def relaunch(out: Path) -> None:
    """Start this command again, apart from the terminal."""
    command = [argument for argument in sys.argv if argument != "--background"]
    path = out / "log.txt"
    with path.open("a") as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    print(f"Process {process.pid} works in {out}.")
    print(f"Follow it: tail -f {path}\nStop it: kill {process.pid}")


def option_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], allow_abbrev=False
    )
    parser.add_argument("suite", help="name of a suite, or its path")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="train only these")
    parser.add_argument("--iters", type=int, help="iterations of each network")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once")
    parser.add_argument("--out", type=Path, help="default: work_dirs/distill/SUITE")
    parser.add_argument(
        "--no-equal-cost",
        dest="equal_cost",
        action="store_false",
        help="leave out the second trainings, at the student's cost",
    )
    parser.add_argument(
        "--teacher-seed",
        type=int,
        metavar="SEED",
        help="one teacher, of this seed, for the rows of all seeds",
    )
    parser.add_argument(
        "--background", action="store_true", help="go on without the terminal"
    )
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        default=[],
        metavar="K=V",
        help="overrides of the configs of all rows",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
