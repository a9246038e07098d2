"""Proof that a start does not grow with what is stored: a journal of ten million messages, after an orderly stop and
after a kill.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import List, Tuple

import stage
from outcome import Figure, Leg, Outcome
from scene import MEMORY_LIMIT, Scene
from stage import Process
from test_systemd import Supervisor

MESSAGES = 10_000_000
READY_SECONDS = 1.0
# What a start may read until it is ready, whatever the journal's size: both logs as far as they are looked at, the newest
# segments, an outbox that is checked whole (24, 24, 4 and 16 MiB). Counted, since a fast disk gives all of a journal of
# ten million messages in 0.2 s.
READ_LIMIT = 72 << 20
# As the gateway names that thread.
EXAMINER = "examine"
# What the gateway does with the journal once it is ready is looked at for so long.
WATCHED_SECONDS = 8


def large_journal(leg: Leg) -> Outcome:
    """In the control the whole file has to be looked through, as after damage: a start that grows."""
    faults: List[str] = []
    slowest, peak, most = 0.0, 0, 0
    with Scene("large-journal", leg) as scene:
        os.mkdir(scene.stage.path("store"))
        told = subprocess.run(
            [stage.program("lumbung-faults", "LUMBUNG_FAULTS_BIN"), "make-journal", scene.stage.path("store"),
             "--messages", str(MESSAGES)], check=True, stdout=subprocess.PIPE, text=True).stdout
        scene.start_broker()
        scene.start_receiver()
        text = open(scene.write_config(), encoding="utf-8").read()
        scene.stage.write("gateway.toml", stage.set_key(text, "store", "max_size", '"4GiB"'))
        bytes_stored = os.path.getsize(scene.stage.path("store", "journal.db"))
        for number in range(leg.tries):
            # The first start follows an orderly stop, the others a kill.
            if leg.control:
                scene.stage.write(os.path.join("store", "journal.db.suspect"), "suspected\n")
                # Closed, like all of the store: another would be refused.
                os.chmod(scene.stage.path("store", "journal.db.suspect"), 0o640)
            seconds, memory, read = start(scene, number)
            slowest, peak, most = max(slowest, seconds), max(peak, memory), max(most, read)
            if seconds > READY_SECONDS:
                faults.append(f"ready only after {seconds:.2f} s")
            if read > READ_LIMIT:
                faults.append(f"{read >> 20} MiB read until ready, more than {READ_LIMIT >> 20} MiB")
            if memory > MEMORY_LIMIT:
                faults.append(f"{memory >> 20} MiB resident, more than {MEMORY_LIMIT >> 20} MiB")
        print(told, file=sys.stderr)
        return Outcome("large-journal", leg.control, leg.tries, faults, {
            "messages": Figure(MESSAGES), "journal": Figure(bytes_stored >> 20, "MiB"),
            "slowest start": Figure(slowest, "s", is_peak=True), "read": Figure(most / (1 << 20), "MiB", is_peak=True),
            "memory": Figure(peak >> 20, "MiB", is_peak=True),
        })


def bytes_read(pid: int) -> int:
    """By all threads but the one that looks through a large journal while it is in use, at its leisure."""

    def count(path: str) -> int:
        with open(path, encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("rchar:"))

    total = count(f"/proc/{pid}/io")
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/comm", encoding="ascii") as file:
                name = file.read().strip()
            total -= count(f"/proc/{pid}/task/{thread}/io") if name == EXAMINER else 0
        except FileNotFoundError:
            continue
    return total


def start(scene: Scene, number: int) -> Tuple[float, int, int]:
    """Seconds until the gateway says that it is ready, what it had resident at most then and for a while after, and what
    it had read by then; ends with a kill.
    """
    supervisor = Supervisor(scene.stage.path(f"notify-{number}"))
    scene.peak_memory = 0
    began = time.monotonic()
    scene.gateway = Process(
        "lumbung", [scene.lumbung, "run", "--config", scene.config], scene.stage.path("lumbung.log"),
        env=supervisor.environment())
    scene.stage.processes.append(scene.gateway)
    supervisor.await_message("READY", scene.gateway, 120)
    read = bytes_read(scene.gateway.pid)
    seconds = time.monotonic() - began
    end = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < end:
        scene.look_at_memory()
        time.sleep(0.2)
    scene.look_at_memory()
    supervisor.socket.close()
    scene.gateway.kill()
    return seconds, scene.peak_memory, read

