#!/usr/bin/env python3
"""Proves what is promised about faults: power cuts, kills, full disks, and by lumbung-faults crash states, I/O errors
and flipped bits. See docs/faults.md.

One line for each proof: fault, tries, whether the promise held, figures. Each has its negative control, in which the
promise is broken on purpose and the same proof must notice. Needs root, for the file systems that lose their power.

    Tools/faults                    the short form, under six minutes
    Tools/faults --long             the long form: hours
    Tools/faults power-cut          only what is named
    Tools/faults --list             what there is

Exit: 0 all promises held and all controls were noticed; 1 otherwise.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from typing import Callable, Dict, List, NamedTuple, Optional

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import crashes  # noqa: E402
import full_disk  # noqa: E402
import restarts  # noqa: E402
import stage  # noqa: E402
from outcome import Outcome  # noqa: E402

# A run of the long form is cut into legs, so that its account fits into memory.
LEG = 250
FAST_POINTS = ["journal.before-commit", "journal.before-acknowledgement"]


class Proof(NamedTuple):
    run: Callable[[int, Optional[str]], Outcome]
    short: int
    long: int
    control: str
    control_tries: int
    # About how long the short form takes here, in seconds: the longest begins first.
    weight: int


def kill_gateway(cycles: int, control: Optional[str]) -> Outcome:
    points = FAST_POINTS[:1] if control else list(crashes.POINTS)
    return crashes.crashes("kill-gateway", cycles, control, power=False, points=points)


def power_cut(cycles: int, control: Optional[str]) -> Outcome:
    return crashes.crashes("power-cut", cycles, control, power=True, points=[] if control else FAST_POINTS)


PROOFS: Dict[str, Proof] = {
    "kill-gateway": Proof(kill_gateway, 100, 5000, "acknowledged early", 10, 150),
    "power-cut": Proof(power_cut, 100, 5000, "synchronous=NORMAL", 6, 130),
    "full-disk": Proof(full_disk.full_disk, 20, 20, "acknowledged early", 4, 100),
    "kill-broker": Proof(restarts.broker, 20, 500, "one message more on the record", 2, 40),
    "kill-receiver": Proof(restarts.receiver, 20, 500, "forgets what it answered", 4, 40),
}


def legs(proof: Proof, tries: int) -> Outcome:
    """All tries, a leg after the other; figures added up."""
    total: Optional[Outcome] = None
    while tries > 0:
        outcome = proof.run(min(tries, LEG), None)
        tries -= min(tries, LEG)
        total = outcome if total is None else add(total, outcome)
        if outcome.faults:
            break
    assert total is not None
    return total


def add(one: Outcome, other: Outcome) -> Outcome:
    figures = dict(one.figures)
    for name, value in other.figures.items():
        if isinstance(value, (int, float)):
            figures[name] = figures.get(name, 0) + value
        else:
            figures[name] = max(str(figures.get(name, "")), str(value))
    return one._replace(tries=one.tries + other.tries, faults=one.faults + other.faults, figures=figures)


def run_one(name: str, is_control: bool, long: bool) -> int:
    """In a process of its own."""
    proof = PROOFS[name]
    began = time.monotonic()
    try:
        if is_control:
            outcome = proof.run(proof.control_tries, proof.control)
        else:
            outcome = legs(proof, proof.long if long else proof.short)
    except Exception as error:
        traceback.print_exc()
        print(f"{name}, NOT PROVEN: {str(error).splitlines()[0] if str(error) else error!r}", flush=True)
        return 1
    print(f"{outcome.line()}, {time.monotonic() - began:.0f} s", flush=True)
    if not outcome.passed:
        print("\n".join("    " + fault for fault in outcome.faults[:20]), file=sys.stderr, flush=True)
    return 0 if outcome.passed else 1


def run_all(names: List[str], long: bool, jobs: int) -> int:
    """Each in a process of its own, `jobs` at a time."""
    waiting = [(PROOFS[name].weight, name, False) for name in names if name in PROOFS]
    waiting += [(20, name, True) for name in names if name in PROOFS]
    waiting.sort(reverse=True)
    failed: List[str] = []
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                _, name, is_control = waiting.pop(0)
            command = [sys.executable, os.path.abspath(__file__), "--one", name]
            command += ["--control"] * is_control + ["--long"] * long
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            with lock:
                print(done.stdout, end="", flush=True)
                if done.returncode != 0:
                    failed.append(name)
                    print(done.stderr, end="", file=sys.stderr, flush=True)

    workers = [threading.Thread(target=work) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    everything = list(PROOFS)
    parser.add_argument("proofs", nargs="*", metavar="PROOF", help=f"of {', '.join(everything)}; all, if none is named")
    parser.add_argument("--long", action="store_true", default=os.environ.get("LONG", "") not in ("", "0"))
    parser.add_argument("--jobs", type=int, default=3, help="proofs at a time (default %(default)s)")
    parser.add_argument("--list", action="store_true", help="what there is")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--control", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.list:
        print("\n".join(everything))
        return 0
    # What is mounted must be unmounted, also where we are told to go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.one:
        return run_one(options.one, options.control, options.long)
    unknown = [name for name in options.proofs if name not in everything]
    if unknown:
        parser.error(f"there is no proof {unknown[0]}; there are {', '.join(everything)}")
    if os.geteuid() != 0:
        print("the proofs mount file systems, which needs root: run this with sudo", file=sys.stderr)
        return 77
    try:
        print(f"# {stage.program('lumbung', 'LUMBUNG_BIN')}, {'long' if options.long else 'short'} form", flush=True)
    except stage.StageError as error:
        print(error, file=sys.stderr)
        return 69
    names = options.proofs or everything
    began = time.monotonic()
    code = run_all(names, options.long, options.jobs)
    print(f"# {'all held' if code == 0 else 'NOT ALL HELD'}, {time.monotonic() - began:.0f} s", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
