"""Power cuts of the whole box, with traffic running: system, broker and gateway start again by themselves, and no
message that the gateway acknowledged is lost or counted twice.

A tap outside stands between broker and gateway: it alone says what was acknowledged. At the end the box's journal must
hold each of these messages once, and the receiver's summaries must be those that an oracle computes from the journal.
What the broker itself forgets in a power cut is no part of the promise.
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from typing import Counter, Dict, Iterator, List, Optional

import stage
from box import BoxError
from case import BROKER_PORT, DESCRIPTION, TAP_PORT, TOOLS, BoxCase, configuration
from harness import publisher_camera
from publisher import BrokerError, Publisher
from stage import StageError, await_value
from tap import Connection, Tap

CUTS = int(os.environ.get("LUMBUNG_BOX_CUTS", "30"))
# In which the same loss must show where commits are not synced.
CONTROL_CUTS = 5
RATE = 100
NOT_SYNCED = """[Service]
Environment=LUMBUNG_FAILPOINTS_ALLOWED=1 LUMBUNG_TEST_SYNCHRONOUS=NORMAL
"""


def digest(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=12).digest()


class Load(threading.Thread):
    """Reports from cameras, whatever happens to the broker. Each payload is another."""

    def __init__(self) -> None:
        super().__init__(name="load", daemon=True)
        self.ending = threading.Event()
        self.failure: Optional[BaseException] = None
        self.published = 0

    def run(self) -> None:
        try:
            cameras = [publisher_camera(number) for number in range(20)]
            while not self.ending.is_set():
                try:
                    self._publish(cameras)
                except (OSError, BrokerError):
                    self.ending.wait(0.1)
        except BaseException as error:
            self.failure = error

    def _publish(self, cameras: list) -> None:
        publisher = Publisher(BROKER_PORT, "load")
        start, sent = time.monotonic(), 0
        try:
            while not self.ending.is_set():
                while sent < (time.monotonic() - start) * RATE:
                    camera = cameras[sent % len(cameras)]
                    # The number makes each message one of its own.
                    report = json.loads(camera.report(time.time_ns()))
                    report["nr"] = self.published
                    publisher.publish(camera.topic, json.dumps(report).encode())
                    self.published += 1
                    sent += 1
                publisher.pump(0)
                time.sleep(0.005)
            publisher.drain(10)
        finally:
            publisher.socket.close()


class PowerCuts(BoxCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.give_token()
        cls.configure(configuration(broker_port=TAP_PORT))
        cls.box.run("sync")

    def tearDown(self) -> None:
        self.stage.stop_all()

    def test_no_acknowledged_message_is_lost(self) -> None:
        self.box.run("systemctl", "restart", "lumbung")
        figures = self.play(CUTS)
        self.assertEqual(figures["faults"], [])

    def test_the_proof_notices_commits_that_are_not_synced(self) -> None:
        self.box.write("/etc/systemd/system/lumbung.service.d/control.conf", NOT_SYNCED)
        self.box.run("systemctl", "daemon-reload")
        self.box.run("sync")
        self.box.run("systemctl", "restart", "lumbung")
        self.assertNotEqual(self.play(CONTROL_CUTS)["faults"], [], "the proof would not have noticed")

    def play(self, cuts: int) -> Dict[str, object]:
        began = time.monotonic()
        dice = random.Random(cuts)
        acknowledged: Counter[bytes] = collections.Counter()

        def watch(event: str, _: bytes, payload: bytes) -> None:
            if event == "acknowledged":
                acknowledged[digest(payload)] += 1

        tap = Tap(TAP_PORT, BROKER_PORT, watch)
        self.addCleanup(tap.close)
        self.start_receiver()
        load = Load()
        load.start()
        self.addCleanup(load.join, 30)
        self.addCleanup(load.ending.set)
        before: Optional[Connection] = None
        unacknowledged = with_traffic = 0
        slowest = 0.0
        for cut in range(cuts):
            connection = self.await_flow(tap, before)
            time.sleep(dice.uniform(0.05, 0.8))
            # Every acknowledgement that was written before counts, and none that a box without power writes.
            tap.sever()
            self.box.cut_power()
            if not tap.await_closed(connection, 10):
                raise StageError("the tap still holds a connection of a dead box")
            before = connection
            unacknowledged += len(connection.unacknowledged)
            with_traffic += bool(connection.unacknowledged)
            booting = time.monotonic()
            self.box.boot()
            slowest = max(slowest, time.monotonic() - booting)
            if (cut + 1) % 50 == 0:
                print(f"{cut + 1} power cuts, {len(acknowledged)} messages acknowledged", flush=True)
        self.await_flow(tap, before)
        time.sleep(1)
        load.ending.set()
        load.join(30)
        if load.failure is not None or load.is_alive():
            raise StageError(f"the load failed: {load.failure!r}")
        faults = self.account(acknowledged)
        print(f"{cuts} power cuts, {with_traffic} with messages unacknowledged ({unacknowledged} in all), "
              f"{load.published} published, {len(acknowledged)} acknowledged by the gateway, "
              f"slowest boot {slowest:.1f} s, {len(faults)} faults, {time.monotonic() - began:.0f} s", flush=True)
        return {"faults": faults}

    def await_flow(self, tap: Tap, before: Optional[Connection]) -> Connection:
        """The gateway has a new connection and has acknowledged something on it."""
        def probe() -> Optional[Connection]:
            connection = tap.current
            flows = connection is not None and connection is not before and not connection.closed
            return connection if flows and connection is not None and connection.acknowledged > 20 else None

        def explain() -> str:
            try:
                return "\n".join(self.box.log("lumbung")[-20:] + self.box.log("mosquitto")[-10:])
            except BoxError as error:
                return str(error)

        return await_value("messages flow", probe, 60, every=0.02, explain=explain)

    def account(self, acknowledged: Counter[bytes]) -> List[str]:
        """What is wrong, a line each."""
        faults = []
        self.await_connected(60)
        self.await_status("everything is derived", lambda s: s["derive"]["lag_segments"] == 0, 60)
        window = DESCRIPTION["window_s"]
        through = (int(time.time()) // window + 1) * window
        await_value("the last window is over", lambda: time.time() > through + DESCRIPTION["grace_s"] + 1, 30)
        self.await_status("everything is delivered", lambda s: s["uplinks"][0]["pending_records"] == 0, 120)

        messages = self.stage.path("messages.ndjson")
        with open(messages, "w", encoding="utf-8") as file:
            if self.box.start("lumbung", "messages", "--config", "/etc/lumbung/gateway.toml", stdout=file).wait():
                faults.append("lumbung messages failed")
        held: Counter[bytes] = collections.Counter()
        for payload in payloads(messages):
            held[digest(payload)] += 1
        lost = [key for key in acknowledged if key not in held]
        if lost:
            faults.append(f"{len(lost)} of {len(acknowledged)} acknowledged messages are lost")
        twice = sum(1 for count in held.values() if count > 1)
        if twice:
            faults.append(f"{twice} messages are in the journal more than once")
        if not acknowledged or not held:
            faults.append("no message was acknowledged: nothing is proven")

        with open(self.stage.path("description.json"), "w", encoding="utf-8") as file:
            json.dump(DESCRIPTION, file)
        done = subprocess.run(
            [sys.executable, os.path.join(TOOLS, "oracle.py"), "--messages", messages, "--description",
             self.stage.path("description.json"), "--received", self.stage.path("received.ndjson"), "--through",
             time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(through))],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            faults.append(f"the summaries are not the oracle's: {done.stdout[-1500:]}")
        else:
            print(done.stdout.strip(), flush=True)
        faults += [f"set aside: {name}" for name in os.listdir(self.box.path("/var/lib/lumbung")) if ".damaged" in name]
        failed = self.box.run("systemctl", "--failed", "--no-legend", "--plain")
        if failed:
            faults.append(f"failed units: {failed}")
        return faults


def payloads(path: str) -> Iterator[bytes]:
    """Those of the cameras in the output of `lumbung messages`."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            message = json.loads(line)
            if message["topic"].startswith("school/"):
                yield message["payload"].encode()
