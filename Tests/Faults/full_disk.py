"""Proof by a disk that others fill: nothing is acknowledged that isn't stored, what waits still leaves, and it goes on
within five seconds of the space coming back.
"""

from __future__ import annotations

import sys
import time
from typing import List

from outcome import Figure, Leg, Outcome
from scene import Scene
from stage import StageError, await_value

# Of which the gateway's own quota leaves more than half to others.
MEBIBYTES = 40
RECOVERY_SECONDS = 5
# A gateway whose files have grown to what they ever need goes on without a byte of the disk's. A store of this size
# needs its first half a minute for that.
REFUSAL_SECONDS = 5
# Of so many rounds one has the gateway killed, and started again, while the disk is full; and in the one after it the
# link is down before the disk fills, so that a backlog has to leave a full disk. It comes last, for in it the store
# grows to what it ever needs.
EVERY = 5

# The gateway's own words: a commit met ENOSPC; the disk has room; and what its quota says, which is another matter.
FULL = "the disk is full: nothing is read"
ROOM = ("the journal takes messages again", "there is room on the disk again")
QUOTA_FULL = "the store is full: nothing is read"
QUOTA_ROOM = "there is room again: messages are read"


def full_disk(leg: Leg) -> Outcome:
    return FullDisk(leg).run()


class FullDisk:
    def __init__(self, leg: Leg):
        self.leg = leg
        self.scene = Scene("full-disk", leg, on_disk=MEBIBYTES)
        self.counted = self.kills = self.drained = self.unstored = self.not_felt = 0
        self.recoveries: List[float] = []
        self.faults: List[str] = []
        self.began = time.monotonic()

    def run(self) -> Outcome:
        with self.scene as scene:
            scene.begin()
            scene.await_flow(None)
            rounds = 0
            while self.counted < self.leg.tries or scene.carried < self.leg.payload:
                rounds += 1
                if self.counted < self.leg.tries and rounds > 4 * self.leg.tries:
                    raise StageError(f"the disk's end was met only {self.counted} times in {rounds} rounds")
                self.round(rounds)
            if rounds < EVERY and not self.leg.control:
                self.round(EVERY)
            scene.stop_load()
            account = scene.account()
            if not self.leg.control:
                self.faults += [f"messages were taken again only after {seconds:.1f} s"
                                for seconds in self.recoveries if seconds > RECOVERY_SECONDS]
            return Outcome("full-disk", self.leg.control, self.counted, account.faults + self.faults, {
                "killed while full": Figure(self.kills), "backlogs that left a full disk": Figure(self.drained),
                "rounds in which nothing was refused, not counted": Figure(self.not_felt),
                "unacknowledged then": Figure(self.unstored),
                "longest recovery": Figure(max(self.recoveries, default=0.0), "s", is_peak=True),
                "messages": Figure(account.messages), "records": Figure(account.records), **scene.common_figures(),
            })

    def round(self, number: int) -> None:
        scene = self.scene
        assert scene.disk is not None and scene.tap is not None
        time.sleep(scene.dice.uniform(0.2, 0.6))
        kills = number % EVERY == EVERY - 1
        has_backlog = number % EVERY == 0 and not self.leg.control
        if has_backlog and scene.receiver is not None:
            scene.receiver.kill()
            scene.await_status("a backlog", lambda s: s["uplinks"][0]["pending_records"] > 20, 15)
        scene.disk.fill()
        is_felt = self.await_refusal(REFUSAL_SECONDS)
        if kills:
            scene.kill_gateway()
            scene.gather_last_words(scene.tap.current)
            scene.start_gateway()
            scene.await_status("it starts on a full disk", lambda s: True, 20)
            self.kills += 1
        if has_backlog:
            scene.restart_receiver()
            scene.await_status("what waited leaves a full disk", lambda s: s["uplinks"][0]["pending_records"] == 0, 30)
            self.drained += 1
        if is_felt:
            self.counted += 1
            self.unstored += scene.unacknowledged
        else:
            self.not_felt += 1
        scene.disk.free()
        seconds = self.await_recovery(number)
        if is_felt:
            self.recoveries.append(seconds)
        print(f"{time.monotonic() - self.began:.1f} s: round {number}, {'a write was refused' if is_felt else 'not felt'}"
              f", recovered in {seconds:.1f} s", file=sys.stderr, flush=True)

    def await_refusal(self, seconds: float) -> bool:
        """Until a write has met ENOSPC. One that finds its room in the log that is kept allocated doesn't."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.scene.said_last(FULL, *ROOM):
                return True
            time.sleep(0.02)
        return False

    def await_recovery(self, number: int) -> float:
        """Until the gateway says that it reads again, and a message is acknowledged. How long that took, less what its
        quota held it up for: that is no matter of the disk's."""
        scene = self.scene
        acknowledged = scene.acknowledged
        began = last = time.monotonic()
        held_up = 0.0

        def has_recovered() -> bool:
            nonlocal last, held_up
            now = time.monotonic()
            is_full = scene.said_last(FULL, *ROOM)
            if not is_full and scene.said_last(QUOTA_FULL, QUOTA_ROOM):
                held_up += now - last
            last = now
            return not is_full and scene.acknowledged > acknowledged

        try:
            await_value("messages are acknowledged again", has_recovered, 30, every=0.02,
                        explain=scene.gateway.tail if scene.gateway else None)
        except StageError as error:
            raise StageError(f"round {number}: {error}") from None
        return time.monotonic() - began - held_up
