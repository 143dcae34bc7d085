"""Trains the runs of the distillation benchmark, several at once if asked to."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from distill_log import check_loss, find_logs, newest_log, tail, validated
from distill_plan import Plan
from distill_progress import Running, duration, remaining
from distill_recipe import package_contents
from distill_run import Key, Results, Run, finish, prepare

POLL, PROGRESS, PATIENCE = 1.0, 60.0, 10.0

Report = Callable[[Results, Mapping[Key, str]], object]


class Active(NamedTuple):
    """A training that is running.

    Attributes:
        run: what it trains.
        process: its process, the leader of a group of its own.
        start: when it was started.
        first: the iteration that it was started from.
        earlier: logs of the processes before it.
    """

    run: Run
    process: subprocess.Popen
    start: float
    first: int
    earlier: Sequence[Path]

    @property
    def log(self) -> list[dict]:
        """The lines of its log."""
        return newest_log(self.run.folder, self.earlier)

    @property
    def iteration(self) -> int:
        """The iteration that it has reached."""
        return max((line["step"] for line in self.log), default=self.first)

    def progress(self) -> Running:
        """Return how far it has come."""
        part = (self.iteration - self.first) / (self.run.iters - self.first)
        return Running(self.run.key, time.monotonic() - self.start, part)


class Queue:
    """Trains runs in their order, each as soon as what it needs is there.

    Args:
        plan: what to train; results are added to it.
        report: called after each run with the results and the failures.
        lock: open file that the trainings keep open as well: while one of them lives,
            their folder is in use.
    """

    def __init__(self, plan: Plan, report: Report, lock: int) -> None:
        self.plan, self.report, self.lock = plan, report, lock
        self.pending = [key for key in plan.keys if key not in plan.results]
        self.active: list[Active] = []
        self.failures: dict[Key, str] = {}
        self.environment = os.environ | {
            name: str(plan.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
        }

    def work(self) -> None:
        """Train everything; whatever ends this stops what is running."""
        spoken = time.monotonic()
        try:
            while self.pending or self.active:
                self._start_ready()
                time.sleep(POLL)
                for active in list(self.active):
                    self._poll(active)
                if time.monotonic() - spoken > PROGRESS:
                    self._say_progress()
                    spoken = time.monotonic()
        finally:
            for active in self.active:
                _kill(active.process)

    def _start_ready(self) -> None:
        for key in list(self.pending):
            if len(self.active) == self.plan.jobs:
                return
            lost = [need for need in self.plan.needs(key) if need in self.failures]
            if lost:
                self.pending.remove(key)
                self._fail(key, f"It needs {lost[0]}, which failed.")
            elif all(need in self.plan.results for need in self.plan.needs(key)):
                self.pending.remove(key)
                self._start(self.plan.describe(key))

    def _start(self, run: Run) -> None:
        if validated(run.folder, run.iters, run.metric):
            # It was stopped when only its result was missing.
            self._finish(run, memory=None, wall=0.0)
        elif package_contents() != self.plan.package:
            self._fail(
                run.key,
                "The code of texture_kd has changed since this command was started: "
                "undo that, or start anew with another --out.",
            )
        else:
            self._train(run, prepare(run))

    def _train(self, run: Run, first: int) -> None:
        earlier = find_logs(run.folder)
        with (run.folder / "train.log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                run.command(resume=first > 0),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                # Ctrl-C in a terminal is for us, who stop a training with its workers.
                start_new_session=True,
                pass_fds=[self.lock],
            )
        self.active.append(Active(run, process, time.monotonic(), first, earlier))
        verb = f"resumes at {first}" if first else "starts"
        self._say(f"{run.key}: {verb}, {run.iters} iterations")

    def _poll(self, active: Active) -> None:
        run, process = active.run, active.process
        # Popen.poll does not tell the memory. Linux counts what the process held before
        # it became the training, that is what we hold, but a training holds more.
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            self.active.remove(active)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                self._fail(run.key, f"Exit status {process.returncode}.", run.folder)
            else:
                wall = time.monotonic() - active.start
                self._finish(run, usage.ru_maxrss / 1024, wall)
            return
        try:
            check_loss(active.log)
        except ValueError as error:
            self.active.remove(active)
            _kill(process)
            self._give_up(run, error)

    def _finish(self, run: Run, memory: float | None, wall: float) -> None:
        try:
            result = finish(run, memory, wall)
        except ValueError as error:
            self._give_up(run, error)
            return
        self.plan.results[run.key] = result
        time_text = f"{result.seconds:.3f} s an iteration"
        score = f"{run.metric} {result.score:.2f} {self.plan.unit}"
        self._say(f"{run.key}: {score}, {time_text}")
        self.report(self.plan.results, self.failures)

    def _give_up(self, run: Run, error: ValueError) -> None:
        """Fail a run whose folder would make it fail again."""
        hint = f"Delete {run.folder} to train it again."
        self._fail(run.key, f"{error} {hint}", run.folder)

    def _fail(self, key: Key, reason: str, folder: Path | None = None) -> None:
        lines = tail(folder / "train.log") if folder else ""
        self.failures[key] = f"{reason}\n{lines}".strip()
        self._say(f"{key}: failed. {reason}")
        self.report(self.plan.results, self.failures)

    def _say_progress(self) -> None:
        running = [
            f"{active.run.key}: {active.iteration}/{active.run.iters}"
            for active in self.active
        ]
        self._say("; ".join(running))

    def _say(self, event: str) -> None:
        done = sum(key in self.plan.results for key in self.plan.keys)
        running = [active.progress() for active in self.active]
        left = remaining(running, self.pending, self.plan.results, self.plan.jobs)
        estimate = "" if left is None else f"; about {duration(left)} left"
        clock = time.strftime("%H:%M:%S")
        print(f"{clock} [{done}/{len(self.plan.keys)}] {event}{estimate}", flush=True)


def _kill(process: subprocess.Popen) -> None:
    """End a training and its data loader's workers."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(PATIENCE)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
