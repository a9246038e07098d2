"""Proofs by ending the gateway: kill -9, and the power of its file system cut, both in the midst of load."""

from __future__ import annotations

import collections
import time
from typing import Counter, List, Optional

from outcome import Outcome
from scene import Scene
from stage import StageError

# Each by its name in the code, and how often it may be passed before it strikes.
POINTS = {
    "journal.before-commit": (4, 9),
    "journal.before-acknowledgement": (3, 6),
    "derive.before-sealing": (1, 2),
    "uplink.before-marking": (1, 2),
    "journal.checkpoint": (1, 1),
}
PER_POINT = 10
# Short of what a checkpoint takes: half of the strikes there come in its midst.
CHECKPOINT_MICROSECONDS = 4000
# A proof is given up where so many strikes a wanted one hit nothing.
PATIENCE = 3


def crashes(name: str, cycles: int, control: Optional[str], power: bool, points: List[str]) -> Outcome:
    """`cycles` that count. At the chosen points each at least PER_POINT times, the others at random moments."""
    counted = attempts = unacknowledged = 0
    hit: Counter[str] = collections.Counter()
    with Scene(name, control, on_disk=64 if power else 0) as scene:
        scene.begin()
        tap, dice = scene.tap, scene.dice
        assert tap is not None and scene.gateway is not None
        wanted: List[Optional[str]] = [point for point in points for _ in range(PER_POINT)]
        wanted += [None] * max(0, cycles - len(wanted))
        dice.shuffle(wanted)
        before = None
        while wanted:
            attempts += 1
            if attempts > PATIENCE * cycles + 10:
                raise StageError(f"too few of the strikes hit anything: {counted} of {attempts}")
            point = wanted[-1]
            if not scene.load or not scene.load.running:
                raise StageError(scene.load.tail() if scene.load else "no load")
            if attempts == 1 or point is None:
                point = None if attempts == 1 else point
                before = scene.await_flow(before)
                time.sleep(dice.uniform(0, 0.5))
                if power and scene.disk:
                    scene.disk.cut_power()
                scene.gateway.kill()
            else:
                fired = scene.await_death(20)
                if power and scene.disk:
                    scene.disk.cut_power()
                if not fired:
                    scene.gateway.kill()
                    point = None
                before = tap.current
            harmed = scene.gather_last_words(before)
            unacknowledged += harmed
            if power and scene.disk:
                scene.disk.unmount()
                scene.disk.mount()
            # Between the receiver's 2xx and the mark a batch is in flight.
            if (harmed or point == "uplink.before-marking") and point == wanted[-1]:
                wanted.pop()
                counted += 1
                if point:
                    hit[point] += 1
            elif len(wanted) > 1:
                dice.shuffle(wanted)
            following = wanted[-1] if wanted else None
            if following:
                count = dice.randint(*POINTS[following])
                setting = f"{following}:{count}"
                if following == "journal.checkpoint" and dice.random() < 0.5:
                    setting += f":{dice.randint(1, CHECKPOINT_MICROSECONDS)}"
                scene.start_gateway(LUMBUNG_FAILPOINT=setting)
            else:
                scene.start_gateway()
        scene.await_flow(before)
        scene.stop_load()
        account = scene.account(seconds=5 if control else 60)
        figures = {
            "attempts": attempts, "unacknowledged": unacknowledged, "delivered again": tap.again,
            "messages": account.messages, "records": account.records, **dict(sorted(hit.items())),
        }
        return Outcome(name, control, counted, account.faults, figures)
