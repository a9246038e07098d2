"""Proofs by ending the gateway: kill -9, and the power of its file system cut, both in the midst of load."""

from __future__ import annotations

import collections
import time
from typing import Counter, List, Optional

from outcome import Figure, Leg, Outcome
from scene import Scene
from stage import StageError
from tap import Connection

# Each by its name in the code, and how often it may be passed before it strikes.
POINTS = {
    "journal.before-commit": (4, 8),
    "journal.before-acknowledgement": (3, 6),
    "derive.before-sealing": (1, 2),
    "uplink.before-marking": (1, 2),
    "journal.checkpoint": (1, 1),
}
# In a control only the loss of what was acknowledged is of interest, and strikes at one place show it soonest.
CONTROL_POINTS = {"acknowledged early": "journal.before-commit"}
# Short of what a checkpoint takes: half of the strikes there come in its midst.
CHECKPOINT_MICROSECONDS = 4000
# A proof is given up where so many strikes a wanted one hit nothing.
PATIENCE = 3


def kill_gateway(leg: Leg) -> Outcome:
    return Crashes("kill-gateway", leg, cuts_power=False).run()


def power_cut(leg: Leg) -> Outcome:
    return Crashes("power-cut", leg, cuts_power=True).run()


class Crashes:
    def __init__(self, name: str, leg: Leg, cuts_power: bool):
        self.name = name
        self.leg = leg
        self.cuts_power = cuts_power
        self.scene = Scene(name, leg, on_disk=64 if cuts_power else 0)
        self.hit: Counter[str] = collections.Counter()
        self.unacknowledged = 0

    def wanted(self) -> List[Optional[str]]:
        """Where to strike; None is a moment left to chance."""
        leg = self.leg
        if leg.control:
            return [CONTROL_POINTS.get(leg.control)] * leg.tries
        points: List[Optional[str]] = [point for point in POINTS for _ in range(leg.per_point)]
        return points + [None] * max(0, leg.tries - len(points))

    def run(self) -> Outcome:
        with self.scene as scene:
            scene.begin()
            assert scene.tap is not None and scene.load is not None
            wanted = self.wanted()
            attempts = counted = 0
            before: Optional[Connection] = None
            point: Optional[str] = None
            while wanted or scene.carried < self.leg.payload:
                attempts += 1
                if attempts > PATIENCE * max(self.leg.tries, counted) + 10:
                    raise StageError(f"too few of the strikes hit anything: {counted} of {attempts}")
                if not scene.load.running:
                    raise StageError(scene.load.tail())
                last, before = before, self.strike(point, before)
                harmed = 0 if before is last else scene.gather_last_words(before)
                self.unacknowledged += harmed
                if scene.disk:
                    scene.disk.unmount()
                    scene.disk.mount()
                # Between the receiver's 2xx and the mark a batch is in flight.
                if harmed or point == "uplink.before-marking":
                    counted += self.count(point, wanted)
                # Never the same again where it hit nothing: a start that ends at once at its point gets nowhere.
                elsewhere = [other for other in wanted if other != point or harmed]
                point = scene.dice.choice(elsewhere) if elsewhere else None
                self.start(point)
            scene.await_flow(before)
            scene.stop_load()
            account = scene.account()
            figures = {
                "attempts": Figure(attempts), "messages": Figure(account.messages),
                "unacknowledged": Figure(self.unacknowledged), "delivered again": Figure(scene.tap.again),
                "records": Figure(account.records), **scene.common_figures(),
                **{name: Figure(times) for name, times in sorted(self.hit.items())},
            }
            return Outcome(self.name, self.leg.control, counted, account.faults, figures)

    def count(self, point: Optional[str], wanted: List[Optional[str]]) -> int:
        """A cycle counts for what was wanted; beyond that, in a run that goes on for its payload, for itself."""
        if point in wanted:
            wanted.remove(point)
        elif wanted:
            return 0
        if point:
            self.hit[point] += 1
        return 1

    def start(self, point: Optional[str]) -> None:
        if point is None:
            self.scene.start_gateway()
            return
        setting = f"{point}:{self.scene.dice.randint(*POINTS[point])}"
        if point == "journal.checkpoint" and self.scene.dice.random() < 0.5:
            setting += f":{self.scene.dice.randint(1, CHECKPOINT_MICROSECONDS)}"
        self.scene.start_gateway(LUMBUNG_FAILPOINT=setting)

    def strike(self, point: Optional[str], before: Optional[Connection]) -> Optional[Connection]:
        """The gateway dies, and where power is cut, its file system with it. The last connection that it had."""
        scene = self.scene
        assert scene.tap is not None and scene.gateway is not None
        if point is None:
            scene.await_flow(before)
            time.sleep(scene.dice.uniform(0, 0.4))
        elif not scene.await_death(20):
            raise StageError(f"the gateway never came to {point}")
        scene.look_at_memory()
        if scene.disk:
            scene.tap.sever()
            scene.disk.cut_power()
        # At once: what a process still does on a file system that is gone, nothing of the kind happens in the field.
        scene.gateway.kill()
        return scene.tap.current
