"""Proof by a disk that others fill: nothing is acknowledged that isn't stored, what waits still leaves, and it goes on
within five seconds of the space coming back."""

from __future__ import annotations

import time
from typing import Optional

from outcome import Outcome
from scene import Scene
from stage import StageError, await_value

# Of which the gateway's own quota leaves more than half to others.
MEBIBYTES = 40
RECOVERY_SECONDS = 5
# So often the link is down before the disk fills, so that a backlog has to leave a full disk.
BACKLOG_EVERY = 5
# So often the gateway is killed, and started again, while the disk is full.
KILL_EVERY = 4


def full_disk(cycles: int, control: Optional[str]) -> Outcome:
    counted = kills = drained = unstored = 0
    recoveries = []
    with Scene("full-disk", control, on_disk=MEBIBYTES) as scene:
        scene.begin()
        assert scene.disk is not None and scene.gateway is not None and scene.tap is not None
        connection = scene.await_flow(None)
        for attempt in range(1, 3 * cycles + 1):
            if counted == cycles:
                break
            time.sleep(scene.dice.uniform(0.3, 1))
            has_backlog = attempt % BACKLOG_EVERY == 0 and attempt % KILL_EVERY and not control
            if has_backlog and scene.receiver is not None:
                scene.receiver.kill()
                scene.await_status("a backlog", lambda s: s["uplinks"][0]["pending_records"] > 20, 15)
            scene.disk.fill()
            refused = _await_refusal(scene, 20)
            if attempt % KILL_EVERY == 0:
                scene.gateway.kill()
                scene.gather_last_words(scene.tap.current)
                scene.start_gateway()
                kills += 1
                scene.await_status("it starts on a full disk", lambda s: True, 20)
            if has_backlog:
                scene.restart_receiver()
                scene.await_status(
                    "what waited leaves a full disk", lambda s: s["uplinks"][0]["pending_records"] == 0, 30)
                drained += 1
            if refused:
                counted += 1
                unstored += scene.unacknowledged
            scene.disk.free()
            freed = time.monotonic()
            acknowledged = scene.acknowledged
            try:
                await_value("messages are acknowledged again", lambda: scene.acknowledged > acknowledged,
                            30, every=0.02, explain=scene.gateway.tail)
            except StageError as error:
                raise StageError(f"round {attempt}: {error}") from None
            recoveries.append(time.monotonic() - freed)
        scene.stop_load()
        account = scene.account(seconds=5 if control else 60)
        faults = list(account.faults)
        if not control:
            late = [f"{seconds:.1f} s" for seconds in recoveries if seconds > RECOVERY_SECONDS]
            faults += [f"recovered only after {seconds}" for seconds in late]
        if counted < cycles:
            faults.append(f"the disk was felt only {counted} times")
        return Outcome("full-disk", control, counted, faults, {
            "killed while full": kills, "backlogs that left a full disk": drained, "unacknowledged then": unstored,
            "longest recovery": f"{max(recoveries):.1f} s", "messages": account.messages, "records": account.records,
        })


def _await_refusal(scene: Scene, seconds: float) -> bool:
    """Until a commit has failed, which is when the log needs to grow."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        report = scene.status()
        if report and (report["journal"].get("commit_error") or report["broker"]["state"] == "paused"):
            return True
        time.sleep(0.1)
    return False
