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
# What the gateway does with the journal once it is ready is looked at for so long.
WATCHED_SECONDS = 8


def large_journal(leg: Leg) -> Outcome:
    """In the control the whole file has to be looked through, as after damage: a start that grows."""
    faults: List[str] = []
    slowest, peak = 0.0, 0
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
            seconds, memory = start(scene, number)
            slowest, peak = max(slowest, seconds), max(peak, memory)
            if seconds > READY_SECONDS:
                faults.append(f"ready only after {seconds:.2f} s")
            if memory > MEMORY_LIMIT:
                faults.append(f"{memory >> 20} MiB resident, more than {MEMORY_LIMIT >> 20} MiB")
        print(told, file=sys.stderr)
        return Outcome("large-journal", leg.control, leg.tries, faults, {
            "messages": Figure(MESSAGES), "journal": Figure(bytes_stored >> 20, "MiB"),
            "slowest start": Figure(slowest, "s", is_peak=True), "memory": Figure(peak >> 20, "MiB", is_peak=True),
        })


def start(scene: Scene, number: int) -> Tuple[float, int]:
    """Seconds until the gateway says that it is ready, and what it then had resident at most; ends with a kill."""
    supervisor = Supervisor(scene.stage.path(f"notify-{number}"))
    scene.peak_memory = 0
    began = time.monotonic()
    scene.gateway = Process(
        "lumbung", [scene.lumbung, "run", "--config", scene.config], scene.stage.path("lumbung.log"),
        env=supervisor.environment())
    scene.stage.processes.append(scene.gateway)
    supervisor.await_message("READY", scene.gateway, 120)
    seconds = time.monotonic() - began
    end = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < end:
        scene.look_at_memory()
        time.sleep(0.2)
    scene.look_at_memory()
    supervisor.socket.close()
    scene.gateway.kill()
    return seconds, scene.peak_memory

