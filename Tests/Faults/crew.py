"""Does the legs of all proofs, several at a time, each in a process of its own, and tells of each proof in one line.

Most of a leg is waiting, so more of them run at once than there are cores. Whatever happens, also Ctrl-C: what was
started is ended, in order, and the folder in which all of it happened goes.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from outcome import Leg, Outcome

JOBS = 4
# How long a leg that is told to go may take to clean up.
GRACE_SECONDS = 30


class Task(NamedTuple):
    name: str
    legs: List[Leg]
    seconds: int


class Running(NamedTuple):
    process: "subprocess.Popen[bytes]"
    task: int
    log: str
    # What the leg says in the end. A file: a pipe would be full before the leg has ended.
    answer: str


class Crew:
    def __init__(self, command: Sequence[str], jobs: int, keeps: bool):
        """`command` does a leg: it is given the proof's name and the leg."""
        self.command = list(command)
        self.jobs = jobs
        self.keeps = keeps
        self.running: Dict[int, Running] = {}
        self.selector = selectors.DefaultSelector()
        self.failed: List[str] = []

    def run(self, tasks: List[Task]) -> List[str]:
        """The names of the proofs that failed."""
        self.tasks = tasks
        self.began: Dict[int, float] = {}
        self.outcomes: Dict[int, Optional[Outcome]] = {}
        self.waiting: List[Tuple[int, Leg]] = [
            (index, leg) for index, task in sorted(enumerate(tasks), key=lambda pair: -pair[1].seconds)
            for leg in task.legs
        ]
        self.left = [len(task.legs) for task in tasks]
        before = {number: signal.signal(number, self.end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        self.folder = tempfile.mkdtemp(prefix="lumbung-faults-")
        try:
            while self.waiting or self.running:
                while self.waiting and len(self.running) < self.jobs:
                    self.start(*self.waiting.pop(0))
                for key, _ in self.selector.select():
                    self.ended(key.fd)
        finally:
            self.stop()
            if self.keeps and os.listdir(self.folder):
                print(f"# kept {self.folder}", file=sys.stderr)
            else:
                shutil.rmtree(self.folder, ignore_errors=True)
            for number, handler in before.items():
                signal.signal(number, handler)
        return self.failed

    @staticmethod
    def end(number: int, _: object) -> None:
        sys.exit(128 + number)

    def start(self, index: int, leg: Leg) -> None:
        task = self.tasks[index]
        self.began.setdefault(index, time.monotonic())
        log = os.path.join(self.folder, f"{task.name}-{leg.control or leg.number}.log")
        environment = {**os.environ, "TMPDIR": self.folder, "KEEP": "1" if self.keeps else ""}
        answer = log.removesuffix(".log") + ".answer"
        with open(log, "wb") as errors, open(answer, "wb") as output:
            # A session of its own: Ctrl-C reaches us alone, and we tell the others.
            process = subprocess.Popen(
                [*self.command, task.name, "--leg", json.dumps(leg)], stdin=subprocess.DEVNULL, stdout=output,
                stderr=errors, start_new_session=True, env=environment, preexec_fn=_told_of_our_end,
            )
        descriptor = os.pidfd_open(process.pid)
        self.running[descriptor] = Running(process, index, log, answer)
        self.selector.register(descriptor, selectors.EVENT_READ)

    def ended(self, descriptor: int) -> None:
        running = self.forget(descriptor)
        code = running.process.wait()
        with open(running.answer, encoding="utf-8", errors="replace") as file:
            answer = file.read()
        index, task = running.task, self.tasks[running.task]
        self.left[index] -= 1
        outcome = None
        if code == 0:
            outcome = Outcome.decoded(answer.splitlines()[-1])
            earlier = self.outcomes.get(index)
            self.outcomes[index] = earlier.and_of(outcome) if earlier else outcome
        if outcome is None or not outcome.passed:
            # What is broken is known: no more of it.
            dropped = [entry for entry in self.waiting if entry[0] == index]
            self.waiting = [entry for entry in self.waiting if entry[0] != index]
            self.left[index] -= len(dropped)
            self.failed.append(task.name)
        if outcome is None:
            control = f" [control: {task.legs[0].control}]" if task.legs[0].control else ""
            print(f"{task.name}{control}, NOT PROVEN: {answer.strip() or f'ended with {code}'}", flush=True)
            self.show(running.log)
        elif not outcome.passed:
            self.show(running.log, outcome.faults[:20])
        total = self.outcomes.get(index)
        if self.left[index] == 0 and total is not None and (outcome is not None or len(task.legs) > 1):
            print(total.line(time.monotonic() - self.began[index]), flush=True)

    @staticmethod
    def show(log: str, faults: Sequence[str] = ()) -> None:
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [line.rstrip("\n") for line in file][-60:]
        print("\n".join("    " + line for line in [*faults, *lines]), file=sys.stderr, flush=True)

    def forget(self, descriptor: int) -> Running:
        self.selector.unregister(descriptor)
        os.close(descriptor)
        return self.running.pop(descriptor)

    def stop(self) -> None:
        """All that still run are told to go, and waited for."""
        for running in self.running.values():
            running.process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for descriptor in list(self.running):
            process = self.forget(descriptor).process
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _told_of_our_end() -> None:
    # PR_SET_PDEATHSIG: where we are killed, they hear of it.
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
